"""An adaptive panel: two seats first, the others only on conflict or thin evidence."""

from typing import Any

import pytest

from tests.graph.cast import (
    JUDGE,
    A,
    B,
    C,
    cast,
    contradiction,
    disputed,
    judge,
    settings,
)
from tests.graph.conftest import Fuse, Price
from tests.scripted import status, text

AGREED = {"consensus": [{"claim": "It is 42.", "seats": ["A", "B"]}]}


def adaptive(**given: Any) -> Any:
    return settings(panel_growth="adaptive", **given)


async def test_two_members_that_agree_are_enough(fuse: Fuse) -> None:
    fused = await fuse(cast(analysis=AGREED), adaptive())
    assert not fused.server.seen_by(C)
    assert fused.result.answer == "Done."
    assert [seat.status for seat in fused.result.panel] == ["ok", "ok", "not_seated"]
    grown = fused.result.panel_growth
    assert grown is not None
    assert (grown.first, grown.added, grown.reason) == (("A", "B"), (), "agreement")
    assert [event["reason"] for event in fused.told("panel.growth")] == ["agreement"]
    assert fused.result.degraded == ()


async def test_a_conflict_seats_the_others_and_the_judge_compares_all(fuse: Fuse) -> None:
    settled = {"contradictions": [contradiction(status="resolved", resolution="42.")], **AGREED}
    script = cast({B: text("Beta says 17."), JUDGE: judge(disputed(), settled)})
    fused = await fuse(script, adaptive())
    grown = fused.result.panel_growth
    assert grown is not None
    assert (grown.added, grown.reason, grown.about) == (("C",), "conflict", ("K1",))
    first, second = fused.server.seen_by(JUDGE)
    assert "Gamma" not in first.text
    assert "Gamma says 42." in second.text
    assert "<earlier_analysis>" in second.last
    assert fused.server.seen_by(C)[0].messages == fused.server.seen_by(A)[0].messages
    assert fused.result.rounds == 0
    assert fused.result.follow_ups == ()


async def test_what_is_still_open_goes_to_a_follow_up_round_after_the_growth(fuse: Fuse) -> None:
    settled = {"contradictions": [contradiction(status="resolved", resolution="42.")]}
    fused = await fuse(cast({JUDGE: judge(disputed(), disputed(), settled)}), adaptive())
    assert fused.result.panel_growth is not None
    assert fused.result.panel_growth.added == ("C",)
    assert fused.result.rounds == 1
    assert len(fused.server.seen_by(JUDGE)) == 3


async def test_a_conflict_of_the_first_two_does_not_vanish_when_the_panel_grows(fuse: Fuse) -> None:
    fused = await fuse(cast({JUDGE: judge(disputed(), AGREED)}), adaptive())
    assert fused.result.analysis is not None
    assert [one.status for one in fused.result.analysis.contradictions] == ["contested"]


@pytest.mark.parametrize(
    "thin",
    [
        {**AGREED, "blind_spots": [{"id": "G1", "gap": "who pays", "matters": "high"}]},
        {"consensus": [], "unique_insights": []},
        {**AGREED, "suspect_claims": [
            {"id": "S1", "claim": "x", "seat": "A", "why": "y", "matters": "high"}
        ]},
    ],
)  # fmt: skip
async def test_thin_evidence_seats_the_others(fuse: Fuse, thin: dict[str, Any]) -> None:
    fused = await fuse(cast({JUDGE: judge(thin, AGREED)}), adaptive())
    assert fused.result.panel_growth is not None
    assert fused.result.panel_growth.reason == "thin_evidence"
    assert fused.server.seen_by(C)


async def test_members_that_had_tools_and_cite_nothing_are_thin(fuse: Fuse, docs: str) -> None:
    fused = await fuse(cast(analysis=AGREED), adaptive(tools=["docs"], docs=docs))
    assert fused.result.panel_growth is not None
    assert fused.result.panel_growth.reason == "thin_evidence"


async def test_a_failed_member_is_replaced_before_a_judge_is_paid(fuse: Fuse) -> None:
    fused = await fuse(cast({A: status(401)}, analysis={"blind_spots": []}), adaptive())
    assert fused.result.panel_growth is not None
    assert fused.result.panel_growth.reason == "too_few_answers"
    assert len(fused.server.seen_by(JUDGE)) == 1
    assert [one.seat for one in fused.result.failed_members] == ["A"]


async def test_without_an_analysis_everybody_is_asked(fuse: Fuse) -> None:
    fused = await fuse(cast({JUDGE: status(401)}), adaptive())
    assert fused.result.panel_growth is not None
    assert fused.result.panel_growth.reason == "not_compared"
    assert fused.server.seen_by(C)


async def test_as_many_as_must_answer_are_seated_first(fuse: Fuse) -> None:
    fused = await fuse(cast(analysis=AGREED), adaptive(min_answers=3))
    assert fused.result.panel_growth is None
    assert fused.server.seen_by(C)


async def test_a_run_ends_early_when_nothing_is_open(fuse: Fuse) -> None:
    low = {"contradictions": [contradiction(matters="low")], **AGREED}
    fused = await fuse(cast(analysis=low), settings(max_rounds=3))
    assert fused.result.rounds == 0
    assert fused.result.ended_by == "nothing_open"
    assert [event["reason"] for event in fused.told("rounds.ended")] == ["nothing_open"]
    assert len(fused.server.requests) == 5


async def test_the_result_says_why_no_further_round_was_asked(fuse: Fuse) -> None:
    fused = await fuse(cast({JUDGE: judge(disputed())}), settings(max_rounds=0))
    assert fused.result.ended_by == "rounds_used"
    silent = {"contradictions": [contradiction()]}
    fused = await fuse(cast(analysis=silent), settings())
    assert fused.result.ended_by == "nothing_to_ask"
    fused = await fuse(cast({JUDGE: status(401)}), settings())
    assert fused.result.ended_by == "not_compared"


async def test_seats_stay_empty_when_the_money_for_them_is_gone(fuse: Fuse, priced: Price) -> None:
    """The two answers use up the panel's share of the cap."""
    long = text("word " * 9000)
    script = cast({A: long, B: long, JUDGE: judge(disputed())})
    fused = await fuse(script, adaptive(budget_usd=0.075))
    grown = fused.result.panel_growth
    assert grown is not None
    assert (grown.added, grown.reason) == ((), "no_time_or_money")
    assert "panel_not_grown" in fused.result.degraded
    assert not fused.server.seen_by(C)
