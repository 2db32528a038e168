"""`revision`: one call when the draft lost what the panel found; never for the worse."""

from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.graph.preflight.estimate import estimate
from tests.graph.cast import PANEL, WRITER, Part, cast, settings
from tests.graph.conftest import Fuse, Serve
from tests.graph.stopping import stopped
from tests.scripted import Reply, hang, in_turn, status, text

FOUND = "The Rion Bridge opened in 2004. It cost 630 million euros and spans 2,380 metres."
THIN = "It is a bridge."
WHOLE = "The Rion Bridge: opened 2004, 630 million euros, 2,380 metres."
INSIGHT = {"insight": "The Rion Bridge has sliding foundations on gravel.", "seat": "A"}


def _cast(*replies: Reply, **analysis: Any) -> Part:
    said: dict[str, Any] = dict.fromkeys(PANEL, text(FOUND))
    return cast({**said, WRITER: in_turn(*replies)}, analysis=analysis or None)


async def test_what_is_lost_is_brought_back_by_one_call(fuse: Fuse) -> None:
    fused = await fuse(_cast(text(THIN), text(WHOLE)), settings(revision=True))
    first, again = fused.server.seen_by(WRITER)
    assert again.text.startswith(first.text), "the request goes on, so that its beginning is cached"
    assert THIN in again.text
    assert "- figure 630: It cost 630 million euros" in again.last
    assert fused.result.answer == WHOLE
    assert fused.result.revision is not None
    assert (fused.result.revision.kept, fused.result.revision.brought) == ("revision", 3)
    assert fused.result.bill.stages["synthesizer"].calls == 2


async def test_a_stream_never_shows_a_draft_that_is_replaced(fuse: Fuse) -> None:
    fused = await fuse(_cast(text(THIN), text(WHOLE)), settings(revision=True))
    kinds = [one["type"] for one in fused.events if one["type"].startswith("writer.")]
    assert kinds == [
        "writer.started", "writer.revision", "writer.revised", "writer.delta", "writer.finished",
    ]  # fmt: skip
    assert [one["text"] for one in fused.told("writer.delta")] == [WHOLE]


async def test_nothing_is_asked_when_nothing_is_lost_or_nobody_wants_it(fuse: Fuse) -> None:
    kept = await fuse(_cast(text(WHOLE)), settings(revision=True))
    assert len(kept.server.seen_by(WRITER)) == 1
    assert kept.result.revision is not None
    assert (kept.result.revision.lost, kept.result.revision.reason) == ((), "little_lost")
    off = await fuse(_cast(text(THIN)), settings())
    assert len(off.server.seen_by(WRITER)) == 1
    assert off.result.revision is None


async def test_an_insight_of_the_analysis_is_reason_enough(fuse: Fuse) -> None:
    whole = f"{WHOLE} Its foundations are sliding on gravel."
    script = _cast(text(WHOLE), text(whole), unique_insights=[INSIGHT])
    fused = await fuse(script, settings(revision=True))
    assert f"- {INSIGHT['insight']}" in fused.server.seen_by(WRITER)[1].last
    assert fused.result.answer == whole


@pytest.mark.parametrize(
    ("reply", "reason", "degraded"),
    [
        (text("It is a bridge of stone."), "no_better", ()),
        (text("The Rion Bridge [A7][A8][B9][C1][C2]."), "no_better", ()),
        (text(WHOLE, finish_reason="length"), "failed", ("revision_failed",)),
        (status(401), "failed", ("revision_failed",)),
    ],
)
async def test_a_revision_that_breaks_or_is_no_better_leaves_the_draft(
    fuse: Fuse, reply: Reply, reason: str, degraded: tuple[str, ...]
) -> None:
    fused = await fuse(_cast(text(THIN), reply), settings(revision=True))
    assert fused.result.answer == THIN
    assert fused.result.revision is not None
    assert (fused.result.revision.kept, fused.result.revision.reason) == ("draft", reason)
    assert fused.result.degraded == degraded
    assert [one["text"] for one in fused.told("writer.delta")] == [THIN]


async def test_a_run_stopped_while_it_revises_pays_the_draft_once(
    serve: Serve, tmp_path: Path
) -> None:
    server = await serve(_cast(text(THIN), hang()))
    chosen = settings(revision=True)
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        run_id = await stopped(runs, "writer.revision", settings=chosen)
        server.script = _cast(text(WHOLE))
        result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    assert result.answer == WHOLE
    assert sum(THIN not in seen.text for seen in server.seen_by(WRITER)) == 1


async def test_a_form_is_not_revised(fuse: Fuse) -> None:
    fused = await fuse(
        _cast(text('{"a": 1}')), settings(revision=True, response_format={"type": "json_object"})
    )
    assert fused.result.revision is None
    assert len(fused.server.seen_by(WRITER)) == 1


def test_the_likely_cost_holds_a_revision() -> None:
    calls = estimate(settings(revision=True)).stages["synthesizer"].calls
    assert (calls.low, calls.likely) == (1, 2)
