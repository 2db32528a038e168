"""`judge: none`: the writer reads the answers directly, and everybody is told."""

import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.preflight.estimate import estimate
from tests.graph.cast import JUDGE, PANEL, WRITER, cast, settings
from tests.graph.conftest import Fuse


async def test_without_a_judge_the_writer_reads_the_answers_directly(fuse: Fuse) -> None:
    fused = await fuse(cast(), settings(judge="none", max_rounds=2))
    result = fused.result
    assert not fused.server.seen_by(JUDGE)
    assert len(fused.server.requests) == len(PANEL) + 1
    assert (result.analysis, result.judged_by, result.ended_by) == (None, None, "no_judge")
    assert (result.rounds, result.degraded) == (0, ())
    told = fused.server.seen_by(WRITER)[0].last
    assert told.count("<answer ") == 3
    assert "<analysis>" not in told
    assert fused.told("run.started")[0]["judge"] is None
    assert not fused.told("judge.started")


async def test_select_without_a_judge_returns_the_answer_with_most_citations(fuse: Fuse) -> None:
    fused = await fuse(cast(), settings(judge="none", mode="select"))
    assert (fused.result.written_by or "").startswith("seat ")


@pytest.mark.parametrize("given", [{"mode": "analysis"}, {"panel_growth": "adaptive"}])
def test_what_needs_a_judge_is_refused_without_one(given: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="judge: "):
        settings(judge="none", **given)


@pytest.mark.parametrize("name", ["none", "None", " none ", None])
def test_none_is_read_in_words_and_as_null(name: str | None) -> None:
    chosen = settings(judge=name)
    assert chosen.judge is None
    assert chosen.changed(max_rounds=0).judge is None, "and stays none"


def test_an_estimate_without_a_judge_has_no_such_stage() -> None:
    assert set(estimate(settings(judge="none")).stages) == {"panel", "synthesizer"}
