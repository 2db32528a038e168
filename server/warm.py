"""Load at the start what the first request would otherwise wait for."""

from importlib import import_module

from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.settings import load_settings

_LATE = (
    "langgraph_fusion.models.chat",
    "langgraph_fusion.tools.fetch.fetcher",
    "langgraph_fusion.tools.search.duckduckgo",
    "openai.resources.chat.completions.completions",
    "json_repair",
)
"""Modules that a run imports when it needs them, so that commands start fast."""


def warm_up() -> None:
    """Import them and build a graph. Blocking, about a second."""
    for name in _LATE:
        import_module(name)
    create_fusion(load_settings({"preset": "offline"}))
