"""Tools of MCP servers that the operator has configured: started, listed, called and ended."""
