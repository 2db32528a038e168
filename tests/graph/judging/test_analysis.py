"""The shape of the judge's analysis: what is read, what is enforced, what is sent how often."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from langgraph_fusion.graph.analysis import MOST_HIGH, Analysis
from langgraph_fusion.graph.judging.judge_schema import Known, analysis_schema
from tests.graph.cast import (
    JUDGE,
    A,
    asked_again,
    cast,
    contradiction,
    disputed,
    follow_up,
    judge,
    settings,
)
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Seen, status, structured, text

INSIGHT = {"insight": "It costs 12 euros.", "seat": "A"}


def _high(analysis: Analysis) -> list[Any]:
    lists = [value for value in dict(analysis).values() if isinstance(value, list)]
    return [one for items in lists for one in items if getattr(one, "matters", "") == "high"]


@given(some.lists(some.sampled_from(["high", "low"]), max_size=9), some.integers(0, 9))
def test_at_most_five_findings_matter_over_all_lists(weights: list[str], insights: int) -> None:
    found = Analysis.model_validate({
        "contradictions": [contradiction(id="", matters=one) for one in weights],
        "unique_insights": [INSIGHT | {"matters": "high"}] * insights,
        "blind_spots": [{"gap": "who pays", "matters": one} for one in weights],
    })  # fmt: skip
    asked_high = 2 * weights.count("high") + insights
    assert len(_high(found)) == min(asked_high, MOST_HIGH)
    disputes = [one.matters for one in found.contradictions]
    assert disputes.count("high") == min(weights.count("high"), MOST_HIGH), "disputes come first"
    assert Analysis.model_validate(found.model_dump()) == found, "what is kept is read the same"


def test_a_suspect_claim_names_all_who_make_it_and_one_is_read_as_well() -> None:
    claims = [
        {"claim": "x", "seats": ["B", "C"], "why": "y"},
        {"claim": "x", "seat": "B", "why": "y"},
    ]
    several, one = Analysis.model_validate({"suspect_claims": claims}).suspect_claims
    assert (several.seats, several.seat) == (["B", "C"], "B")
    assert (one.seats, one.seat) == (["B"], "B")
    assert "seat" not in analysis_schema()["$defs"]["SuspectClaim"]["properties"]


def test_every_kind_of_finding_has_an_id_and_can_be_asked_about() -> None:
    found = Analysis.model_validate({
        "self_contradictions": [{"what": "7 and 8", "seats": ["A"], "matters": "high"}],
        "shared_premises": [{"premise": "p", "why": "w", "matters": "high"}],
        "unique_insights": [INSIGHT],
        "follow_ups": [follow_up(about="X1"), follow_up(id="F2", about="R1")],
    })  # fmt: skip
    assert found.unique_insights[0].id == "U1"
    assert found.open_ids() == {"X1", "R1"}


async def test_the_schema_is_sent_once(fuse: Fuse) -> None:
    fused = await fuse(cast(), settings())
    seen = fused.server.seen_by(JUDGE)[0]
    known = Known(frozenset("ABC"), frozenset())
    assert seen.body["response_format"]["json_schema"]["schema"] == analysis_schema(known)
    assert "additionalProperties" not in seen.text


async def test_a_provider_that_refuses_the_schema_gets_it_in_words(fuse: Fuse) -> None:
    def shy(seen: Seen) -> Reply:
        return status(400) if seen.wants_json else structured({"consensus": []})

    fused = await fuse(cast({JUDGE: shy}), settings())
    assert fused.result.analysis is not None
    assert '"additionalProperties"' in fused.server.seen_by(JUDGE)[-1].system


async def test_a_judge_that_did_not_see_the_schema_gets_it_with_the_first_correction(
    fuse: Fuse,
) -> None:
    def loose(seen: Seen) -> Reply:
        told = seen.text.count('"additionalProperties":false')
        return structured({"consensus": []}) if told else text("They agree.")

    fused = await fuse(cast({JUDGE: loose}), settings())
    assert fused.result.analysis is not None
    assert len(fused.server.seen_by(JUDGE)) == 2


async def test_a_second_judging_is_sent_what_is_new_and_loses_no_insight(fuse: Fuse) -> None:
    first = disputed(unique_insights=[INSIGHT], best_answer="A", best_because="most complete")
    second = {"contradictions": [contradiction(status="resolved", resolved_by="arithmetic")]}
    script = cast(
        {A: asked_again(text("Alpha says 42."), text("F1: 42.")), JUDGE: judge(first, second)}
    )
    fused = await fuse(script, settings())
    again = fused.server.seen_by(JUDGE)[1].last
    assert "<answer " not in again
    assert "Alpha says 42." not in again
    assert "F1: 42." in again
    assert "It costs 12 euros." in again, "as part of the earlier analysis"
    found = fused.result.analysis
    assert found is not None
    assert [one.insight for one in found.unique_insights] == ["It costs 12 euros."]
    assert found.contradictions[0].resolved_by == "arithmetic"
    assert (found.best_answer, found.best_because) == ("A", "most complete")


async def test_follow_ups_keep_the_judges_ids(fuse: Fuse) -> None:
    asked = disputed(follow_ups=[follow_up(id="F7")])
    fused = await fuse(cast({JUDGE: judge(asked, {"consensus": []})}), settings())
    assert [one.id for one in fused.result.follow_ups] == ["F7"]
    assert fused.result.analysis is not None


async def test_a_follow_up_may_be_about_a_premise_that_all_share(fuse: Fuse) -> None:
    premise = {"id": "R1", "premise": "it is round", "why": "nobody looked", "matters": "high"}
    asked = follow_up(kind="verify", about="R1", seats=["C"], question="Is it round?")
    first = {"shared_premises": [premise], "follow_ups": [asked]}
    fused = await fuse(cast({JUDGE: judge(first, {"consensus": []})}), settings())
    assert [(one.about, one.seats) for one in fused.result.follow_ups] == [("R1", ("C",))]


async def test_the_judge_sees_how_each_seat_fared(fuse: Fuse) -> None:
    fused = await fuse(cast({A: status(500)}), settings())
    told = fused.server.seen_by(JUDGE)[0].last
    seats = told.split("<seats>")[1].split("</seats>")[0]
    assert "A: no tools; failed; error: upstream_error" in seats
    assert "B: no tools; wrote to the end" in seats


async def test_an_open_claim_is_asked_and_a_settled_one_is_not(fuse: Fuse) -> None:
    for standing, rounds in (("open", 1), ("narrowed", 0), ("withdrawn", 0), ("supported", 0)):
        claim = {
            "id": "S1", "claim": "42", "seats": ["A", "B"], "why": "w", "matters": "high",
            "status": standing,
        }  # fmt: skip
        asked = follow_up(kind="verify", about="S1", seats=["A"])
        first = {"suspect_claims": [claim], "follow_ups": [asked]}
        fused = await fuse(cast({JUDGE: judge(first, {"consensus": []})}), settings())
        assert fused.result.rounds == rounds
        if rounds:
            assert fused.result.follow_ups[0].seats == ("A", "B"), "all who make the claim"
    assert json.loads(fused.result.model_dump_json())["analysis"] is not None
