"""Equal searches and fetches of several members are done once in a run."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from langgraph_fusion.tools.context import SharedToolsSettings, open_shared_tools
from tests.graph.cast import A, B, C, Part, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Seen, text, tool_calls
from tests.tools.site import Site, html, site

OPEN: dict[str, Any] = {"tools": ["web_fetch"], "allow_networks": ["127.0.0.1/32"]}


class Page:
    """A page that waits for a sign and may fail the first times it is asked for."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.begun.set()
        await self.go_on.wait()
        if self.failures:
            self.failures -= 1
            return web.Response(status=503)
        return html(f"<p>{'Heat is made. ' * 40}</p>")


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
async def served(page: Page) -> AsyncIterator[Site]:
    async with site({"/page": page}) as running:
        yield running


def fetches(url: str, times: int = 1) -> Part:
    """A member that fetches a page, again if it fails, and says what it was told."""

    def part(seen: Seen) -> Reply:
        if len(seen.tool_results) < times:
            return tool_calls([("web_fetch", {"url": url})])
        return text(" | ".join(said[:400] for said in seen.tool_results))

    return part


async def test_a_page_that_all_members_want_is_fetched_once(
    fuse: Fuse, served: Site, page: Page
) -> None:
    page.go_on.set()
    script = cast(dict.fromkeys((A, B, C), fetches(f"{served.base}/page")))
    fused = await fuse(script, settings(**OPEN))
    assert [one.path for one in served.seen] == ["/page"]
    assert all("Heat is made" in answer.text for answer in fused.result.answers)


async def test_another_page_and_another_run_are_fetched_apart(
    fuse: Fuse, served: Site, page: Page
) -> None:
    page.go_on.set()
    script = cast({A: fetches(f"{served.base}/page"), B: fetches(f"{served.base}/page?n=2")})
    for _ in range(2):
        await fuse(script, settings(panel=[A, B], **OPEN))
    assert sorted(one.path_qs for one in served.seen) == [
        "/page",
        "/page",
        "/page?n=2",
        "/page?n=2",
    ]


async def test_a_search_that_all_members_make_is_made_once(
    fuse: Fuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    hits = {"results": [{"url": "https://example.org/x", "title": "X", "content": "Heat is made."}]}

    async def search(request: web.Request) -> web.StreamResponse:
        return web.json_response(hits)

    def part(query: str) -> Part:
        def member(seen: Seen) -> Reply:
            if not seen.tool_results:
                return tool_calls([("web_search", {"query": query})])
            return text(seen.tool_results[0][:400])

        return member

    async with site({"/search": search}) as running:
        monkeypatch.setenv("SEARXNG_URL", running.base)
        script = cast({A: part("heat  pumps"), B: part("Heat pumps"), C: part("cold pumps")})
        fused = await fuse(script, settings(tools=["web_search"], search="searxng"))
        asked = sorted(one.query["q"].lower() for one in running.seen)
    assert asked == ["cold pumps", "heat pumps"]
    assert all("Heat is made" in answer.text for answer in fused.result.answers)


async def test_a_failure_is_told_to_all_and_not_kept(fuse: Fuse) -> None:
    page = Page(failures=1)
    page.go_on.set()
    async with site({"/page": page}) as served:
        script = cast(dict.fromkeys((A, B), fetches(f"{served.base}/page", times=2)))
        fused = await fuse(script, settings(panel=[A, B], **OPEN))
        assert 2 <= len(served.seen) <= 3
    assert all("Heat is made" in answer.text for answer in fused.result.answers)
    assert any("503" in answer.text for answer in fused.result.answers)


async def test_a_member_that_is_cut_off_does_not_take_the_page_from_the_others(
    served: Site, page: Page
) -> None:
    url = f"{served.base}/page"
    chosen = SharedToolsSettings(allow_networks=("127.0.0.1/32",))
    async with open_shared_tools(chosen) as shared:
        cut_off = asyncio.create_task(shared.fetch("A", url))
        await page.begun.wait()
        other = asyncio.create_task(shared.fetch("B", url))
        await asyncio.sleep(0)
        cut_off.cancel()
        await asyncio.wait([cut_off])
        page.go_on.set()
        assert "Heat is made" in (await other).text
    assert cut_off.cancelled()
    assert len(served.seen) == 1


async def test_a_page_nobody_waits_for_any_more_is_fetched_anew(served: Site, page: Page) -> None:
    url = f"{served.base}/page"
    chosen = SharedToolsSettings(allow_networks=("127.0.0.1/32",))
    async with open_shared_tools(chosen) as shared:
        cut_off = asyncio.create_task(shared.fetch("A", url))
        await page.begun.wait()
        cut_off.cancel()
        await asyncio.wait([cut_off])
        page.go_on.set()
        assert "Heat is made" in (await shared.fetch("B", url)).text
    assert len(served.seen) == 2
