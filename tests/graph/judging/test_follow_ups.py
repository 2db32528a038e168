import re
from pathlib import Path

import pytest

from tests.graph.cast import (
    JUDGE,
    A,
    B,
    C,
    asked_again,
    cast,
    contradiction,
    disputed,
    follow_up,
    judge,
    settings,
)
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Script, Seen, status, text, tool_calls

SETTLED = {"contradictions": [contradiction(status="resolved", resolution="The register says 42.")]}


async def test_a_contradiction_is_asked_and_resolved(fuse: Fuse) -> None:
    script = cast(
        {
            B: asked_again(text("Beta says 17."), text("F1: The register says 42.")),
            JUDGE: judge(disputed(), SETTLED),
        }
    )
    fused = await fuse(script, settings())
    assert fused.result.analysis is not None
    assert fused.result.analysis.contradictions[0].status == "resolved"
    assert fused.result.rounds == 1
    assert [one.seats for one in fused.result.follow_ups] == [("A", "B")]
    assert len(fused.server.seen_by(C)) == 1
    later = [answer for answer in fused.result.answers if answer.round == 1]
    assert {answer.seat for answer in later} == {"A", "B"}
    assert all(answer.asked == ("F1",) for answer in later)


async def test_a_follow_up_shows_a_member_its_own_answer_and_no_other(fuse: Fuse) -> None:
    script = cast({B: text("Beta says 17."), JUDGE: judge(disputed(), SETTLED)})
    fused = await fuse(script, settings())
    asked = fused.server.seen_by(A)[1]
    assert "Alpha says 42." in asked.text
    assert "according to the register" in asked.text
    assert "Beta" not in asked.text
    assert "17" not in asked.text
    assert "Gamma" not in asked.text


async def test_a_contradiction_whose_party_failed_is_contested(fuse: Fuse) -> None:
    script = cast(
        {
            B: asked_again(text("Beta says 17."), status(500)),
            JUDGE: judge(disputed(), SETTLED),
        }
    )
    fused = await fuse(script, settings())
    assert fused.result.analysis is not None
    dispute = fused.result.analysis.contradictions[0]
    assert dispute.status == "contested"
    assert "B gave no answer" in (dispute.resolution or "")
    assert [one.seat for one in fused.result.failed_members] == ["B"]


async def test_a_contradiction_that_the_judge_forgets_is_contested(fuse: Fuse) -> None:
    forgets = {"consensus": [{"claim": "All is well.", "seats": ["A", "B", "C"]}]}
    fused = await fuse(cast({JUDGE: judge(disputed(), forgets)}), settings())
    assert fused.result.analysis is not None
    assert [one.status for one in fused.result.analysis.contradictions] == ["contested"]
    assert fused.result.analysis.consensus[0].claim == "All is well."


async def test_a_reused_id_does_not_hide_an_earlier_contradiction(fuse: Fuse) -> None:
    stances = [{"seat": "A", "stance": "red"}, {"seat": "C", "stance": "blue"}]
    other = {"contradictions": [contradiction(topic="its colour", stances=stances)]}
    fused = await fuse(cast({JUDGE: judge(disputed(), other)}), settings())
    assert fused.result.analysis is not None
    topics = {one.topic: one.id for one in fused.result.analysis.contradictions}
    assert topics["the number"] == "K1"
    assert topics["its colour"] != "K1"


async def test_a_blind_spot_goes_to_the_members_named(fuse: Fuse) -> None:
    gap = {"id": "G1", "gap": "who pays", "matters": "high"}
    question = follow_up(kind="blind_spot", about="G1", seats=["C"], question="Who pays?")
    script = cast(
        {
            C: asked_again(text("Gamma says 42."), text("F1: The state pays.")),
            JUDGE: judge({"blind_spots": [gap], "follow_ups": [question]}, {"consensus": []}),
        }
    )
    fused = await fuse(script, settings())
    assert len(fused.server.seen_by(A)) == 1
    assert len(fused.server.seen_by(C)) == 2
    assert "F1: The state pays." in fused.server.seen_by(JUDGE)[1].last


async def test_rounds_are_bounded(fuse: Fuse) -> None:
    for rounds in (0, 1, 2):
        fused = await fuse(cast({JUDGE: judge(disputed())}), settings(max_rounds=rounds))
        assert fused.result.rounds == min(rounds, 1), "a dispute is asked once, then contested"
        assert len(fused.server.seen_by(JUDGE)) == min(rounds, 1) + 1


async def test_a_gap_that_stays_open_is_asked_until_the_bound(fuse: Fuse) -> None:
    gap = {"id": "G1", "gap": "who pays", "matters": "high"}
    question = follow_up(kind="blind_spot", about="G1", seats=["C"], question="Who pays?")
    stays = {"blind_spots": [gap], "follow_ups": [question]}
    fused = await fuse(cast({JUDGE: judge(stays)}), settings(max_rounds=3))
    assert fused.result.rounds == 3
    assert [one.id for one in fused.result.follow_ups] == ["F1", "F2", "F3"]


async def test_a_later_round_does_not_chase_fresh_objections(fuse: Fuse) -> None:
    fresh = {
        "contradictions": [contradiction(status="resolved")],
        "blind_spots": [{"id": "G9", "gap": "its weight", "matters": "high"}],
        "follow_ups": [follow_up(kind="blind_spot", about="G9", question="How heavy?")],
    }
    fused = await fuse(cast({JUDGE: judge(disputed(), fresh)}), settings(max_rounds=3))
    assert fused.result.rounds == 1
    assert fused.result.analysis is not None
    assert fused.result.analysis.blind_spots[0].gap == "its weight"


async def test_low_stakes_are_not_followed_up(fuse: Fuse) -> None:
    petty = disputed(contradictions=[contradiction(matters="low")])
    fused = await fuse(cast(analysis=petty), settings())
    assert fused.result.rounds == 0


async def test_no_more_questions_than_allowed_and_contradictions_first(fuse: Fuse) -> None:
    gaps = [{"id": f"G{n}", "gap": f"gap {n}", "matters": "high"} for n in range(1, 6)]
    asked = [
        follow_up(id=f"F{n}", kind="blind_spot", about=f"G{n}", question=f"Gap {n}?")
        for n in range(1, 6)
    ]
    crowded = disputed(blind_spots=gaps, follow_ups=[*asked, follow_up(id="F6")])
    fused = await fuse(cast({JUDGE: judge(crowded, SETTLED)}), settings(max_follow_ups=2))
    assert [one.about for one in fused.result.follow_ups] == ["K1", "G1"]


async def test_the_second_analysis_is_asked_with_the_first_and_the_open_points(fuse: Fuse) -> None:
    fused = await fuse(cast({JUDGE: judge(disputed(), SETTLED)}), settings())
    again = fused.server.seen_by(JUDGE)[1].last
    assert "<earlier_analysis>" in again
    assert re.search(r'<follow_up id="F1" seat="A"', again)
    assert "what was open before: K1" in again


async def test_a_follow_up_shows_the_passages_that_the_earlier_answer_cites(
    fuse: Fuse, docs: str
) -> None:
    def first(seen: Seen) -> Reply:
        if seen.tool_results:
            return text("Three members [A1].")
        return tool_calls([("docs_search", {"query": "fusion panel"})])

    script = cast({A: asked_again(first, text("F1: Three.")), JUDGE: judge(disputed(), SETTLED)})
    fused = await fuse(script, settings(tools=["docs"], docs=docs))
    again = next(seen for seen in fused.server.seen_by(A) if "<follow_up " in seen.text)
    passages = again.last.split("<sources_you_cited>")[1].split("</sources_you_cited>")[0]
    assert 'id="A1"' in passages
    assert "The fusion panel has three members." in passages
    assert "Corrections:" in again.last
    nothing_cited = next(seen for seen in fused.server.seen_by(B) if "<follow_up " in seen.text)
    assert "<sources_you_cited>" not in nothing_cited.text


async def test_a_passage_of_the_first_round_is_shown_again_when_a_follow_up_finds_it(
    fuse: Fuse, docs: str
) -> None:
    """It stands in another conversation: what a member is told that it has, it has before it."""

    def searches(answer: str) -> Script:
        def member(seen: Seen) -> Reply:
            if seen.tool_results:
                return text(answer)
            return tool_calls([("docs_search", {"query": "fusion panel members"})])

        return member

    again = asked_again(searches("Three members."), searches("F1: Three [A1]."))
    script = cast({A: again, JUDGE: judge(disputed(), SETTLED)})
    fused = await fuse(script, settings(tools=["docs"], docs=docs))
    later = [seen for seen in fused.server.seen_by(A) if "<follow_up " in seen.text][-1]
    assert "The fusion panel has three members." in later.tool_results[0]


async def test_a_member_is_told_how_many_tool_calls_it_has(fuse: Fuse, docs: str) -> None:
    panel = [A, {"model": B, "max_tool_calls": 1}, {"model": C, "tools": []}]
    fused = await fuse(cast(), settings(panel=panel, tools=["docs"], docs=docs, max_tool_calls=7))
    told = {model: fused.server.seen_by(model)[0].system for model in (A, B, C)}
    assert "You have 7 tool calls in this round" in told[A]
    assert "You have one tool call in this round" in told[B]
    assert "tool call in this round" not in told[C]


async def test_of_many_cited_passages_a_follow_up_shows_those_that_bear_on_it(
    fuse: Fuse, tmp_path: Path
) -> None:
    for n in range(40):
        about = "the number in the register" if n == 33 else f"topic {n} of the herons"
        text_ = f"# Note {n}\n\nThis tells of {about}, item {n}. " + f"Filler {n} follows. " * 30
        (tmp_path / f"{n:02}.md").write_text(text_)

    def first(seen: Seen) -> Reply:
        done = len(seen.tool_results)
        if done < 40:
            batch = range(done, min(40, done + 10))
            return tool_calls([("docs_read", {"id_or_path": f"{n:02}.md"}) for n in batch])
        lines = [f"Item {n} tells of topic {n} [A{n + 1}]." for n in range(40) if n != 33]
        return text("\n".join([*lines, "Item 33: the number stands in the register [A34]."]))

    script = cast({A: asked_again(first, text("F1: 42.")), JUDGE: judge(disputed(), SETTLED)})
    chosen = settings(tools=["docs"], docs=str(tmp_path), max_tool_calls=50)
    fused = await fuse(script, chosen)
    again = next(seen for seen in fused.server.seen_by(A) if "<follow_up " in seen.text)
    passages = again.last.split("<sources_you_cited>")[1].split("</sources_you_cited>")[0]
    assert "This tells of the number in the register, item 33." in passages
    assert len(passages) < 9000
    shown = set(re.findall(r'<source id="(A\d+)"', passages))
    named = set(re.findall(r"A\d+", passages.rpartition("(You cited these as well")[2]))
    assert named
    assert shown | named == {f"A{n}" for n in range(1, 41)}


@pytest.mark.parametrize(
    ("later", "best"),
    [
        ({}, ("A", "most complete")),
        ({"best_answer": "A"}, ("A", "most complete")),
        ({"best_answer": "A", "best_because": "it was right"}, ("A", "it was right")),
        ({"best_answer": "B"}, ("B", "")),
    ],
)
async def test_the_best_answer_keeps_the_reason_that_was_given_for_it(
    fuse: Fuse, later: dict[str, str], best: tuple[str, str]
) -> None:
    first = disputed(best_answer="A", best_because="most complete")
    fused = await fuse(cast({JUDGE: judge(first, SETTLED | later)}), settings())
    assert fused.result.analysis is not None
    assert (fused.result.analysis.best_answer, fused.result.analysis.best_because) == best
