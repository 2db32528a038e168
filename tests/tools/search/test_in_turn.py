"""Engines in order: which is asked, which is left alone, what is told and what is paid."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.search import EngineName, SearchInTurn, SearchQuery, open_search
from langgraph_fusion.tools.search.base import Charge, SearchFailure
from langgraph_fusion.tools.search.resting import Resting
from tests.tools.search.answers import DOCUMENTED
from tests.tools.search.conftest import set_up
from tests.tools.site import Handler, Site, site

QUERY = SearchQuery("tides")
LIMITED = web.Response(status=429, headers={"Retry-After": "120"})


@dataclass
class Rig:
    """Engines, each at its own server, and what was told of them."""

    search: SearchInTurn
    sites: dict[EngineName, Site]
    told: list[tuple[str, str]] = field(default_factory=list)

    def asked(self) -> dict[EngineName, int]:
        return {name: len(one.seen) for name, one in self.sites.items()}


@asynccontextmanager
async def rig(
    monkeypatch: pytest.MonkeyPatch, answers: Mapping[EngineName, web.Response | Handler]
) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        sites = {
            name: await stack.enter_async_context(site({DOCUMENTED[name].path: answer}))
            for name, answer in answers.items()
        }
        for name, one in sites.items():
            set_up(monkeypatch, name, one.base)
        built = Rig(await stack.enter_async_context(open_search(list(sites), timeout_s=5)), sites)
        built.search.notice = lambda code, sentence: built.told.append((code, sentence))
        yield built


def fine(name: EngineName) -> web.Response:
    return web.json_response(DOCUMENTED[name].answer)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (LIMITED, "it limits requests"),
        (web.Response(status=401), "it refused its key"),
        (web.Response(status=402), "its credit is used up"),
        (web.Response(status=500), "it did not answer as it should"),
        (web.Response(text="<html>"), "it did not answer as it should"),
    ],
)
async def test_the_next_engine_is_asked_and_the_first_left_alone(
    answer: web.Response, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(monkeypatch, {"brave": answer, "tavily": fine("tavily")}) as built:
        found = [await built.search.search(QUERY) for _ in range(3)]
    assert [one.engine for one in found] == ["tavily"] * 3
    assert built.asked() == {"brave": 1, "tavily": 3}
    assert built.told == [("search_fallback", f"Tavily searched for Brave: {why}.")]


async def test_a_query_that_one_engine_refuses_says_nothing_of_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers: dict[EngineName, web.Response | Handler] = {
        "brave": web.Response(status=422), "tavily": fine("tavily"),
    }  # fmt: skip
    async with rig(monkeypatch, answers) as built:
        for _ in range(2):
            assert (await built.search.search(QUERY)).engine == "tavily"
    assert built.asked() == {"brave": 2, "tavily": 2}


async def test_a_limit_of_a_moment_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brave's windows are seconds; that of the month is not used up."""
    windows = {"X-RateLimit-Remaining": "0, 1000", "X-RateLimit-Reset": "0.05, 1419704"}
    left = iter([web.Response(status=429, headers=windows), fine("brave")])

    async def answer(_: web.Request) -> web.Response:
        return next(left)

    async with rig(monkeypatch, {"brave": answer, "tavily": fine("tavily")}) as built:
        assert (await built.search.search(QUERY)).engine == "brave"
    assert (built.asked(), built.told) == ({"brave": 2, "tavily": 0}, [])


async def test_a_limit_that_does_not_end_is_not_waited_for_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limited = web.Response(status=429, headers={"Retry-After": "0.02"})
    async with rig(monkeypatch, {"brave": limited}) as built:
        with pytest.raises(ToolFailure, match="status 429"):
            await built.search.search(QUERY)
    assert built.asked() == {"brave": 3}


async def test_what_an_engine_asked_to_wait_holds_where_it_is_the_only_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for answer, asked in (
        (LIMITED, 1),
        (web.Response(status=401), 1),
        (web.Response(status=500), 3),
    ):
        async with rig(monkeypatch, {"exa": answer}) as built:
            for _ in range(3):
                with pytest.raises(ToolFailure, match="Exa"):
                    await built.search.search(QUERY)
        assert built.asked() == {"exa": asked}


async def test_when_all_fail_each_is_named_and_a_key_is_told_to_the_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers: dict[EngineName, web.Response | Handler] = {
        "brave": web.Response(status=401), "serper": web.Response(status=503),
    }  # fmt: skip
    async with rig(monkeypatch, answers) as built:
        with pytest.raises(ToolFailure) as failed:
            await built.search.search(QUERY)
    assert str(failed.value) == (
        "Brave refused BRAVE_SEARCH_API_KEY (status 401). Serper refused (status 503)."
    )
    assert [code for code, _ in built.told] == ["search_failed"]


async def test_every_paid_request_is_paid_at_what_the_engine_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paid: list[tuple[str, float, Charge]] = []

    @contextmanager
    def purse(engine: str, usd: float) -> Iterator[Charge]:
        charge = Charge()
        paid.append((engine, usd, charge))
        yield charge

    answers: dict[EngineName, web.Response | Handler] = {
        "brave": web.Response(status=503), "serper": LIMITED, "exa": fine("exa"),
        "searxng": fine("searxng"),
    }  # fmt: skip
    async with rig(monkeypatch, answers) as built:
        await built.search.search(QUERY, purse)
    assert paid == [
        ("brave", 0.005, Charge(None, "unavailable")),  # nobody knows whether it was charged
        ("serper", 0.001, Charge(0.0, "rate_limited")),
        ("exa", 0.007, Charge(0.0075)),
    ]


async def test_without_money_a_free_engine_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def empty(engine: str, usd: float) -> Iterator[Charge]:
        raise ToolFailure("budget", f"no money for {engine}")
        yield Charge()

    async with rig(monkeypatch, {"kagi": fine("kagi"), "searxng": fine("searxng")}) as built:
        assert (await built.search.search(QUERY, empty)).engine == "searxng"
        assert (await built.search.search(QUERY)).engine == "kagi"  # it does not rest
    assert built.asked() == {"kagi": 1, "searxng": 1}


async def test_a_cancelled_search_is_cancelled_at_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        try:
            await asyncio.sleep(30)
        finally:
            gone.set()
        return web.Response()

    async with rig(monkeypatch, {"exa": hang, "tavily": fine("tavily")}) as built:
        task = asyncio.create_task(built.search.search(QUERY))
        while not built.sites["exa"].seen:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert built.asked() == {"exa": 1, "tavily": 0}


def test_an_engine_rests_as_long_as_it_asked_and_works_again_when_it_answers() -> None:
    now = [0.0]
    resting = Resting(lambda: now[0])
    resting.note("e", SearchFailure("rate_limited", "", status=429, wait_s=7200.0))
    now[0] = 3599.0  # an hour at most
    assert (resting.rests("e"), resting.bound_s("e")) == (True, 1.0)
    now[0] = 3600.0
    assert (resting.rests("e"), resting.bound_by("e")) == (False, None)
    resting.note("e", SearchFailure("timeout", ""))
    assert (resting.rests("e"), resting.bound_s("e")) == (True, 0.0)
    resting.answered("e")
    assert not resting.rests("e")
