"""Where `web_search` gets its hits: one small protocol, four backends."""

import os
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal

from langgraph_fusion.tools.search.base import Hit, Recency, SearchBackend

__all__ = ["BackendName", "Hit", "Recency", "SearchBackend", "missing_variable", "open_backend"]

BackendName = Literal["ddgs", "searxng", "tavily", "langchain"]

_NEEDS = {"searxng": "SEARXNG_URL", "tavily": "TAVILY_API_KEY"}
_MAX_EXCLUDED = 10
"""Longer chains of `-site:` make engines ignore the query; hits are filtered in any case."""


def missing_variable(name: BackendName) -> str | None:
    """Return the environment variable that this backend needs and that is not set."""
    needed = _NEEDS.get(name)
    return needed if needed and not os.environ.get(needed, "").strip() else None


def open_backend(
    name: BackendName, *, timeout_s: float, excluded: Sequence[str] = ()
) -> AbstractAsyncContextManager[SearchBackend]:
    """Open a backend by name. `excluded` are domains that it leaves out itself where it can.

    Raises:
        ValueError: If an environment variable is missing; the message names it.
    """
    if missing := missing_variable(name):
        raise ValueError(f"Search `{name}` needs `{missing}`. Set it, or use search `ddgs`.")
    excluded = excluded[:_MAX_EXCLUDED]
    if name == "tavily":
        from langgraph_fusion.tools.search.tavily import open_tavily

        return open_tavily(timeout_s, excluded)
    if name == "searxng":
        from langgraph_fusion.tools.search.searxng import open_searxng

        return open_searxng(os.environ["SEARXNG_URL"].strip(), timeout_s, excluded)
    from langgraph_fusion.tools.search.duckduckgo import open_duckduckgo

    return open_duckduckgo(timeout_s, excluded, community=name == "langchain")
