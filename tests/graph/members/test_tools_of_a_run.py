"""Tools inside a deliberation: exclusion and private addresses, through real redirects."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.graph.cast import A, B, Part, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Seen, text, tool_calls

PAGE = f"<html><body><article><h1>Fusion</h1><p>{'Heat is made. ' * 40}</p></article></body></html>"


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """A site with a page and redirects to itself under another name, and to other machines."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def away(request: web.Request) -> web.Response:
        port = request.url.port
        target = {
            "excluded": f"http://127.0.0.1:{port}/secret/page",
            "private": f"http://127.0.0.2:{port}/page",
            "metadata": "http://169.254.169.254/latest/meta-data/",
        }[request.match_info["where"]]
        raise web.HTTPFound(target)

    app = web.Application()
    app.router.add_get("/page", page)
    app.router.add_get("/secret/page", page)
    app.router.add_get("/to/{where}", away)
    runner = web.AppRunner(app)
    await runner.setup()
    tcp = web.TCPSite(runner, "127.0.0.1", 0)
    await tcp.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def _fetches(url: str) -> Part:
    def member(seen: Seen) -> Reply:
        if seen.tool_results:
            return text(f"It said: {seen.tool_results[0][:60]}")
        return tool_calls([("web_fetch", {"url": url})])

    return member


OPEN: dict[str, Any] = {"tools": ["web_fetch"], "allow_networks": ["127.0.0.1/32"]}


async def test_a_page_that_two_members_fetch_is_one_source(fuse: Fuse, site: str) -> None:
    def member(letter: str) -> Part:
        def part(seen: Seen) -> Reply:
            if seen.tool_results:
                return text(f"Heat is made [{letter}1].")
            return tool_calls([("web_fetch", {"url": f"{site}/page"})])

        return part

    script = cast({A: member("A"), B: member("B")}, answer="Heat is made [A1][B1].")
    fused = await fuse(script, settings(**OPEN))
    by_id = {source.id: source for source in fused.result.sources}
    assert by_id["B1"].same_as == "A1" or by_id["A1"].same_as == "B1"
    assert by_id["A1"].number == by_id["B1"].number == 1
    assert fused.result.answer.startswith(f"Heat is made [[1]]({site}/page).")
    assert fused.result.retention.citations == 1.0


async def test_an_excluded_page_reached_by_redirect_is_dropped_and_recorded(
    fuse: Fuse, site: str
) -> None:
    script = cast({A: _fetches(f"{site}/to/excluded")})
    fused = await fuse(script, settings(**OPEN, exclude=["127.0.0.1/secret"]))
    assert "excluded" in fused.result.answers[0].text
    assert [(one.seat, one.where, one.rule) for one in fused.result.dropped] == [
        ("A", "redirect", "127.0.0.1/secret")
    ]
    assert not fused.result.sources


@pytest.mark.parametrize("where", ["private", "metadata"])
async def test_a_private_address_reached_by_redirect_is_refused(
    fuse: Fuse, site: str, where: str
) -> None:
    script = cast({A: _fetches(f"{site}/to/{where}")})
    fused = await fuse(script, settings(**OPEN))
    assert "blocked_address" in fused.result.answers[0].text
    assert fused.result.answers[0].tool_errors == 1
    assert not fused.result.sources


async def test_a_member_without_an_engine_is_told_that_it_has_no_bash(
    fuse: Fuse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    fused = await fuse(cast(), settings(tools=["bash"]))
    assert fused.result.degraded == ("sandbox_unavailable",)
    member = fused.server.seen_by(A)[0]
    assert "There is no bash tool in this run" in member.system
    assert member.tool_names == []


async def test_a_required_sandbox_stops_the_run_before_any_call(
    fuse: Fuse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from langgraph_fusion.graph.errors import SandboxRequired

    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    with pytest.raises(SandboxRequired, match="required"):
        await fuse(cast(), settings(tools=["bash"], require_sandbox=True))
