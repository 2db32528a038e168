"""Nothing is resolved without a ground, whatever the judge says."""

from typing import Any

import pytest

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.judging.grounds import UNDECIDED, contest_groundless
from langgraph_fusion.graph.judging.judge_schema import Known
from tests.graph.cast import WRITER, cast, contradiction, settings
from tests.graph.conftest import Fuse

SEATS = frozenset("AB")


@pytest.mark.parametrize(
    ("given", "sources", "status", "ground"),
    [
        ({"resolved_by": "arithmetic"}, (), "resolved", "arithmetic"),
        ({"resolved_by": "question"}, (), "resolved", "question"),
        ({"resolved_by": "evidence"}, ("A1",), "resolved", "evidence"),
        ({"resolved_by": "evidence"}, (), "contested", None),
        ({}, ("A1",), "contested", None),
        (
            {"stances": [{"seat": "A", "stance": "42", "sources": ["A1"]}]},
            ("A1",),
            "resolved",
            "evidence",
        ),
        ({"status": "open"}, (), "open", None),
    ],
)
def test_a_contradiction_is_resolved_only_by_a_ground(
    given: dict[str, Any], sources: tuple[str, ...], status: str, ground: str | None
) -> None:
    said = contradiction(**{"status": "resolved", "resolution": "A holds.", **given})
    analysis = Analysis.model_validate({"contradictions": [said]})
    (one,) = contest_groundless(analysis, Known(SEATS, frozenset(sources))).contradictions
    assert (one.status, one.resolved_by) == (status, ground)
    assert (UNDECIDED in (one.resolution or "")) is (status == "contested")


async def test_opposing_recommendations_reach_the_writer_as_contested(fuse: Fuse) -> None:
    stances = [{"seat": "A", "stance": "Buy."}, {"seat": "B", "stance": "Rent."}]
    told = contradiction(stances=stances, status="resolved", resolution="Most say buy.")
    fused = await fuse(cast(analysis={"contradictions": [told]}), settings())
    assert '"status":"contested"' in fused.server.seen_by(WRITER)[0].last
    assert fused.result.analysis is not None
    assert fused.result.analysis.contradictions[0].status == "contested"
