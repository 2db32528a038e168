"""Searches of a run: engines in order, told once, on the bill, under the cap, not paid twice."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.graph.preflight.estimate import estimate
from langgraph_fusion.tools.search.resting import resting_engines
from tests.graph.cast import JUDGE, A, B, cast, settings
from tests.graph.conftest import Fuse, Serve
from tests.graph.stopping import stopped
from tests.scripted import Reply, Seen, hang, text, tool_calls
from tests.tools.site import Site, site

BRAVE = {"query": {}, "web": {"results": [{"url": "https://e.org/", "title": "E"}]}}
EXA: dict[str, Any] = {"results": [{"url": "https://e.org/", "title": "E"}]}


@pytest.fixture
async def engines(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """Brave limits, Exa charges $0.0105."""
    resting_engines.cache_clear()
    limited = web.Response(status=429, headers={"Retry-After": "60"})
    charged = web.json_response(EXA | {"costDollars": {"total": 0.0105}})
    async with site({"/web/search": limited, "/search": charged}) as server:
        for name in ("BRAVE_SEARCH", "EXA"):
            monkeypatch.setenv(f"{name}_API_KEY", "sk-search-secret")
            monkeypatch.setenv(f"{name}_BASE_URL", server.base)
        yield server


def searches(query: str = "tides") -> Any:
    def script(seen: Seen) -> Reply:
        if seen.tool_names and not seen.tool_results:
            return tool_calls([("web_search", {"query": query})])
        return text("It is so [A1].")

    return script


async def test_a_fallback_is_told_once_and_what_is_charged_is_on_the_bill(
    fuse: Fuse, engines: Site
) -> None:
    panel = cast({A: searches(), B: searches("ebb")})
    chosen = settings(panel=[A, B], tools=["web_search"], search="brave,exa")
    fused = await fuse(panel, chosen)
    assert [request.path for request in engines.seen].count("/web/search") <= 2  # side by side
    assert fused.result.degraded == ("search_fallback",)
    assert fused.result.notes == ("Exa searched for Brave: it limits requests.",)
    paid = [call for call in fused.result.bill.calls if call.kind == "search"]
    assert [(call.model, call.cost_usd) for call in paid if call.cost_usd] == [("exa", 0.0105)] * 2
    total = fused.result.bill.total
    assert (total.calls, total.searches) == (len(fused.server.requests), len(paid))
    assert total.known_cost_usd == pytest.approx(0.021 + fused.server.usage().cost)
    assert "sk-search-secret" not in fused.result.model_dump_json()
    assert any("$0.005" in note for note in estimate(chosen).notes)


async def test_no_search_passes_the_spend_cap(fuse: Fuse, engines: Site) -> None:
    chosen = settings(
        panel=[A], tools=["web_search"], search="exa", budget_usd=0.005, unknown_cost="ignore"
    )
    fused = await fuse(cast({A: searches(), JUDGE: text("{}")}), chosen)
    assert engines.seen == []
    assert "no money for this search" in fused.result.used.failed_tools[0].error


async def test_a_resumed_run_pays_no_search_again(
    serve: Serve, engines: Site, tmp_path: Path
) -> None:
    stop = True

    def member(seen: Seen) -> Any:
        return hang() if seen.tool_results and stop else searches()(seen)

    chosen = settings(panel=[A], tools=["web_search"], search="exa")
    await serve(cast({A: member}))
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        run_id = await stopped(runs, "member.tool_done", "A", settings=chosen)
        stop = False
        result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    paid = [call for call in result.bill.calls if call.kind == "search"]
    assert [(call.cost_usd, call.error) for call in paid] == [(0.0105, None)]
    assert len(engines.seen) == 1
