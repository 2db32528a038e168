"""The HTTP edge: an OpenAI-compatible API over the deliberation, and the operator's pages."""
