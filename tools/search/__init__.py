"""Where `web_search` gets its hits: one small protocol, an adapter for every engine."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from langgraph_fusion.tools.search.base import Found, Hit, Recency, SearchBackend, SearchQuery
from langgraph_fusion.tools.search.engines import EngineName, engines
from langgraph_fusion.tools.search.in_turn import Asked, SearchInTurn
from langgraph_fusion.tools.search.resting import resting_engines

__all__ = [
    "EngineName",
    "Found",
    "Hit",
    "Recency",
    "SearchBackend",
    "SearchInTurn",
    "SearchQuery",
    "open_search",
]

_MAX_EXCLUDED = 10
"""Longer chains of `-site:` make engines ignore the query; hits are filtered in any case."""


@asynccontextmanager
async def open_search(
    names: Sequence[EngineName], *, timeout_s: float, excluded: Sequence[str] = ()
) -> AsyncIterator[SearchInTurn]:
    """Open engines, to be asked in this order.

    `excluded` are domains that an engine leaves out itself where it can.

    Raises:
        ValueError: If an environment variable is missing or no address; the message names it.
    """
    async with AsyncExitStack() as stack:
        opened = []
        for name in names:
            backend = await stack.enter_async_context(_open(name, timeout_s, excluded))
            engine = engines()[name]
            place = engine.url() if engine.address or engine.base_url else ""
            opened.append(Asked(engine, backend, f"{name} {place}"))
        yield SearchInTurn(opened, resting_engines())


def _open(
    name: EngineName, timeout_s: float, excluded: Sequence[str]
) -> AbstractAsyncContextManager[SearchBackend]:
    engine = engines()[name]
    if missing := engine.missing():
        raise ValueError(f"Search `{name}` needs `{missing[0]}`. Set it, or use search `ddgs`.")
    excluded = excluded[:_MAX_EXCLUDED]
    if name in ("ddgs", "langchain"):
        from langgraph_fusion.tools.search.duckduckgo import open_duckduckgo

        return open_duckduckgo(timeout_s, excluded, community=name == "langchain")
    from langgraph_fusion.tools.search.http import open_engine

    key = os.environ[engine.key].strip() if engine.key else ""
    return open_engine(engine, engine.url(), key, timeout_s, excluded)
