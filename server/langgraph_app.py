"""The server's endpoints in the process of a LangGraph server: `http.app` of langgraph.json.

Loaded by path as a stand-alone module, hence the absolute imports. Like the graph beside it, it
serves the preset that fits this machine unless a configuration says otherwise.
"""

import os

from langgraph_fusion.server.app import create_app
from langgraph_fusion.server.config import VARIABLE, config_from_environment

app = create_app(config_from_environment(), choose_preset=VARIABLE not in os.environ)
