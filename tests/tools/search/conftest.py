"""Every engine with an HTTP API, at a server of the test's own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from aiohttp import web

from langgraph_fusion.tools.search import EngineName, SearchInTurn, open_search
from langgraph_fusion.tools.search.engines import engines
from langgraph_fusion.tools.search.resting import resting_engines
from tests.tools.search.answers import DOCUMENTED
from tests.tools.site import Handler, Site, site

KEY = "sk-search-secret"

At = Callable[..., AbstractAsyncContextManager[tuple[SearchInTurn, Site]]]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Open an engine whose server gives this answer to every search."""

    @asynccontextmanager
    async def opened(
        name: EngineName,
        answer: web.Response | Handler,
        excluded: tuple[str, ...] = (),
        timeout_s: float = 5.0,
    ) -> AsyncIterator[tuple[SearchInTurn, Site]]:
        async with site({DOCUMENTED[name].path: answer}) as server:
            set_up(monkeypatch, name, server.base)
            async with open_search([name], timeout_s=timeout_s, excluded=excluded) as search:
                yield search, server

    return opened


def set_up(monkeypatch: pytest.MonkeyPatch, name: EngineName, base: str) -> None:
    """Set the variables of an engine, with its server at this address."""
    engine = engines()[name]
    for variable in engine.variables:
        monkeypatch.setenv(variable, f" {KEY}\n" if variable == engine.key else "an-id")
    monkeypatch.setenv(engine.base_url_env or engine.address or "", f"{base}/\n")


@pytest.fixture(autouse=True)
def nothing_rests() -> None:
    """Ports are used again: what another test's server did says nothing of this one's."""
    resting_engines.cache_clear()
