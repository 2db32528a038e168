import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from langgraph_fusion.tools.context import SharedToolsSettings, open_shared_tools
from langgraph_fusion.tools.errors import ExcludedUrl, ToolFailure
from langgraph_fusion.tools.exclude import Dropped
from langgraph_fusion.tools.search import SearchQuery
from langgraph_fusion.tools.sources import Sources
from tests.tools.site import html, redirect, site

RESULTS = {
    "results": [
        {"url": "https://good.org/a", "title": "Good", "content": "Fine."},
        {"url": "https://bad.org/a", "title": "Bad", "content": "Excluded."},
        {"url": "javascript:alert(1)", "title": "Ugly", "content": "No address."},
    ]
}


def settings(**changes: Any) -> SharedToolsSettings:
    values = {"search": "searxng", "allow_networks": ("127.0.0.1/32",)} | changes
    return SharedToolsSettings.model_validate(values)


async def test_excluded_hits_are_dropped_and_recorded_for_each_seat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site({"/search": web.json_response(RESULTS)}) as server:
        monkeypatch.setenv("SEARXNG_URL", server.base)
        async with open_shared_tools(settings(exclude=("bad.org",))) as shared:
            for seat, query in (("A", "tide  times"), ("B", "Tide times ")):
                found = await shared.search(seat, SearchQuery(query))
                assert [hit.url for hit in found.hits] == ["https://good.org/a"]
    assert [dict(request.query)["q"] for request in server.seen] == ["tide times -site:bad.org"]
    drop = Dropped(seat="A", where="hit", url="https://bad.org/a", rule="bad.org")
    assert shared.drops == [drop, drop.model_copy(update={"seat": "B"})]


async def test_a_query_for_an_excluded_site_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site({"/search": web.json_response(RESULTS)}) as server:
        monkeypatch.setenv("SEARXNG_URL", server.base)
        async with open_shared_tools(settings(exclude=("bad.org",))) as shared:
            with pytest.raises(ExcludedUrl):
                await shared.search("A", SearchQuery("tide site:bad.org"))
            with pytest.raises(ExcludedUrl):
                await shared.search("A", SearchQuery("tide", site="www.bad.org"))
    assert server.seen == []
    assert [drop.where for drop in shared.drops] == ["query", "query"]


async def test_equal_fetches_of_several_seats_are_one_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.1)
        return html("<p>The tide rises by thirteen metres in spring at Saint-Malo.</p>")

    async with site({"/p": slow}) as server:
        monkeypatch.setenv("SEARXNG_URL", server.base)
        async with open_shared_tools(settings()) as shared:
            urls = [f"{server.base}/p", f"{server.base}/p#x", f"{server.base}/a/../p"]
            pages = await asyncio.gather(*(shared.fetch("A", url) for url in urls))
            assert await shared.fetch("B", urls[0]) is pages[0]
    assert len(server.seen) == 1


async def test_a_redirect_to_an_excluded_address_is_recorded_for_each_seat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with site({"/go": redirect("https://bad.org/x")}) as server:
        monkeypatch.setenv("SEARXNG_URL", server.base)
        async with open_shared_tools(settings(exclude=("bad.org",))) as shared:
            both = (shared.fetch(seat, f"{server.base}/go") for seat in "AB")
            failed = await asyncio.gather(*both, return_exceptions=True)
    assert [type(failure) for failure in failed] == [ExcludedUrl, ExcludedUrl]
    assert [(d.seat, d.where, d.url) for d in shared.drops] == [
        ("A", "redirect", "https://bad.org/x"),
        ("B", "redirect", "https://bad.org/x"),
    ]


async def test_a_failed_fetch_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([web.Response(status=500), html("<p>Now the page is there again.</p>")])

    async def flaky(_: web.Request) -> web.Response:
        return next(answers)

    async with site({"/p": flaky}) as server:
        monkeypatch.setenv("SEARXNG_URL", server.base)
        async with open_shared_tools(settings()) as shared:
            with pytest.raises(ToolFailure):
                await shared.fetch("A", f"{server.base}/p")
            assert "again" in (await shared.fetch("A", f"{server.base}/p")).text


async def test_closing_the_library_cancels_what_is_under_way() -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        raise AssertionError("nobody waits for this")

    async with site({"/": hang}) as server:
        async with open_shared_tools(settings(search="ddgs")) as shared:
            task = asyncio.create_task(shared.fetch("A", server.base))
            while not server.seen:
                await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_library_knows_the_sources_of_earlier_rounds() -> None:
    known = Sources()
    known.add("A", "page", "https://e.org", "T", "x")
    async with open_shared_tools(settings(search="ddgs"), known.all()) as shared:
        assert shared.sources.add("A", "page", "https://new.org", "T", "y").id == "A2"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("exclude", ["*.x.org"]),
        ("docs", Path("/no/such/folder")),
        ("allow_networks", ["10.0.0.1/8"]),
        ("search", ["altavista"]),
        ("max_results", 0),
        ("unknown", 1),
    ],
)
def test_wrong_settings_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        SharedToolsSettings.model_validate({field: value})


async def test_a_missing_variable_is_named_when_the_library_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SEARXNG_URL", raising=False)
    with pytest.raises(ValueError, match="SEARXNG_URL"):
        async with open_shared_tools(settings()):
            pass
