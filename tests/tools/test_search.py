import asyncio
from typing import Any

import pytest
from aiohttp import web
from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.search import BackendName, Hit, missing_variable, open_backend
from langgraph_fusion.tools.search.duckduckgo import hits, is_no_results, search_failure
from tests.tools.site import Handler, site

ROWS = [
    {"url": "https://one.org", "title": "One", "content": "First"},
    {"url": "https://two.org", "title": None, "content": 5},
    {"title": "no address"},
    "garbage",
]
FOUND = [Hit("https://one.org", "One", "First"), Hit("https://two.org", "", "")]


@pytest.fixture(params=["searxng", "tavily"])
def name(request: pytest.FixtureRequest) -> BackendName:
    backend: BackendName = request.param
    return backend


async def search(
    name: BackendName, monkeypatch: pytest.MonkeyPatch, answer: web.Response | Handler,
    excluded: tuple[str, ...] = (),
) -> tuple[list[Hit], list[web.Request]]:  # fmt: skip
    async with site({"/search": answer}) as server:
        monkeypatch.setenv("SEARXNG_URL", server.base + "/")
        monkeypatch.setenv("TAVILY_BASE_URL", server.base)
        monkeypatch.setenv("TAVILY_API_KEY", "tvly-secret")
        async with open_backend(name, timeout_s=0.5, excluded=excluded) as backend:
            assert "tvly-secret" not in repr(vars(backend))
            found = await backend.search("the query", 5, "week")
    return found, server.seen


async def test_results_become_hits(name: BackendName, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = await search(name, monkeypatch, web.json_response({"results": ROWS}))
    assert found == FOUND


async def test_no_results_are_not_a_failure(
    name: BackendName, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await search(name, monkeypatch, web.json_response({"results": []})))[0] == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (web.Response(status=429), "rate_limited"),
        (web.Response(status=403), "unavailable"),
        (web.Response(status=302, headers={"Location": "/search"}), "unavailable"),
        (web.Response(text="<html>"), "unavailable"),
        (web.json_response([1]), "unavailable"),
        (web.json_response({"error": "x"}), "unavailable"),
    ],
)
async def test_a_refusal_is_a_failure(
    name: BackendName, answer: web.Response, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ToolFailure) as failed:
        await search(name, monkeypatch, answer)
    assert failed.value.reason == reason


async def test_silence_is_a_timeout(name: BackendName, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(10)
        return web.Response(text=request.path)

    with pytest.raises(ToolFailure) as failed:
        await search(name, monkeypatch, silent)
    assert failed.value.reason == "timeout"


@pytest.mark.parametrize("key", ["tvly-secret\n", " tvly-secret", "tvly-secret\r\n\t"])
async def test_blanks_around_the_key_of_tavily_are_not_sent(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer tvly-secret"
        return web.json_response({"results": []})

    async with site({"/search": answer}) as server:
        monkeypatch.setenv("TAVILY_BASE_URL", f"{server.base}\n")
        monkeypatch.setenv("TAVILY_API_KEY", key)
        async with open_backend("tavily", timeout_s=5) as backend:
            assert await backend.search("tides", 3, None) == []
    monkeypatch.setenv("TAVILY_API_KEY", " \n")
    assert missing_variable("tavily") == "TAVILY_API_KEY"


async def test_tavily_gets_key_period_and_exclusions(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response({"results": []})

    _, seen = await search("tavily", monkeypatch, answer, ("x.org",))
    assert seen[0].headers["Authorization"] == "Bearer tvly-secret"
    assert bodies == [
        {"query": "the query", "max_results": 5, "time_range": "week", "exclude_domains": ["x.org"]}
    ]


async def test_searxng_gets_period_and_exclusions(monkeypatch: pytest.MonkeyPatch) -> None:
    _, seen = await search("searxng", monkeypatch, web.json_response({"results": []}), ("x.org",))
    assert dict(seen[0].query) == {
        "q": "the query -site:x.org",
        "format": "json",
        "time_range": "week",
    }


@pytest.mark.parametrize(
    ("why", "reason"), [("too many requests", "rate_limited"), ("HTTP error", "unavailable")]
)
async def test_searxng_without_engines_is_a_failure(
    why: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = web.json_response({"results": [], "unresponsive_engines": [["brave", why]]})
    with pytest.raises(ToolFailure) as failed:
        await search("searxng", monkeypatch, answer)
    assert failed.value.reason == reason


def test_a_backend_without_its_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEARXNG_URL", raising=False)
    assert missing_variable("ddgs") is None
    assert missing_variable("tavily") == "TAVILY_API_KEY"
    with pytest.raises(ValueError, match="SEARXNG_URL"):
        open_backend("searxng", timeout_s=1)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RatelimitException("https://x 202 Ratelimit"), "rate_limited"),
        (DDGSException("HTTPStatus 429 Too Many Requests"), "rate_limited"),
        (TimeoutException("operation timed out"), "timeout"),
        (DDGSException(TimeoutException("timed out")), "timeout"),
        (TimeoutError(), "timeout"),
        (DDGSException("ConnectError: refused at 10.0.0.1"), "unavailable"),
        (KeyError("html"), "unavailable"),
    ],
)
def test_errors_of_the_ddgs_library_are_told_apart(error: Exception, reason: str) -> None:
    assert not is_no_results(error)
    failure = search_failure(error)
    assert failure.reason == reason
    assert "10.0.0.1" not in str(failure)


def test_no_results_of_the_ddgs_library_are_not_a_failure() -> None:
    assert is_no_results(DDGSException("No results found."))


def test_rows_of_the_ddgs_library_become_hits() -> None:
    rows = [{"href": "https://x.org", "title": "T", "body": "B"}, {"title": "no address"}]
    assert hits(rows) == [Hit("https://x.org", "T", "B")]


@pytest.mark.parametrize("name", ["ddgs", "langchain"], indirect=True)
async def test_duckduckgo_without_a_network_is_a_failure_not_an_empty_result(
    name: BackendName, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DDGS_PROXY", "http://127.0.0.1:1")  # nothing listens there
    async with open_backend(name, timeout_s=20) as backend:
        with pytest.raises(ToolFailure) as failed:
            await backend.search("anything", 5, "month")
    assert failed.value.reason in ("unavailable", "timeout")
    assert "127.0.0.1" not in str(failed.value)
    assert capfd.readouterr() == ("", "")
