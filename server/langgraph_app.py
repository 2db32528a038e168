"""The server's doors in the process of a LangGraph server: `http.app` of langgraph.json.

Loaded by path as a stand-alone module, hence the absolute imports.
"""

from langgraph_fusion.server.app import create_app
from langgraph_fusion.server.config import config_from_environment

app = create_app(config_from_environment())
