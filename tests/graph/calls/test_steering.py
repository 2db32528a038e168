"""A user steers a run while it works; nothing that was paid for is lost."""

from collections.abc import Callable
from typing import Any

import pytest

from langgraph_fusion import Steering
from langgraph_fusion.graph.errors import ConfigError
from tests.graph.cast import JUDGE, WRITER, A, B, C, asked_again, cast, disputed, judge, settings
from tests.graph.conftest import Fuse, Price
from tests.scripted import Reply, Seen, hang, status, structured, text, tool_calls

AGREED = {"consensus": [{"claim": "It is 42.", "seats": ["A", "B"]}]}


def doing(act: Callable[[], Any], reply: Reply) -> Any:
    """A part in which the user does something before the model replies, the first time."""
    done: list[bool] = []

    def part(seen: Seen) -> Reply:
        if not done:
            done.append(True)
            act()
        return reply

    return part


def researching(act: Callable[[], Any], last: str) -> Any:
    """A member that searches; the user acts meanwhile, and without tools it writes."""
    done: list[bool] = []

    def part(seen: Seen) -> Reply:
        if not seen.tool_names:
            return text(last)
        if seen.tool_results and not done:
            done.append(True)
            act()
        return tool_calls([("docs_search", {"query": f"fusion {len(seen.tool_results)}"})])

    return part


async def test_answer_now_has_members_write_with_what_they_have(fuse: Fuse, docs: str) -> None:
    steering = Steering()
    script = cast(
        {C: researching(steering.answer_now, "So far, 42 [C1]."), JUDGE: judge(disputed())}
    )
    fused = await fuse(script, settings(tools=["docs"], docs=docs), steering=steering)
    answer = next(one for one in fused.result.answers if one.seat == "C")
    assert (answer.text, answer.cut_short) == ("So far, 42 [C1].", "answer_now")
    assert (fused.result.rounds, fused.result.ended_by) == (0, "answer_now")
    assert fused.result.answer.startswith("Done.")
    assert [one["reason"] for one in fused.told("rounds.ended")] == ["answer_now"]


async def test_after_answer_now_no_further_round_can_be_asked_for(fuse: Fuse) -> None:
    steering, errors = Steering(), list[str]()

    def act() -> None:
        steering.answer_now()
        with pytest.raises(ConfigError) as caught:
            steering.follow_up("Why?")
        errors.append(str(caught.value))

    fused = await fuse(cast({C: doing(act, text("42"))}), settings(), steering=steering)
    assert "no further round" in errors[0]
    assert fused.result.degraded == ()


async def test_answer_now_in_a_follow_up_round_ends_that_round(fuse: Fuse, docs: str) -> None:
    steering = Steering()
    later = researching(steering.answer_now, "The register says 42.")
    script = cast({A: asked_again(text("Alpha says 42."), later), JUDGE: judge(disputed())})
    fused = await fuse(script, settings(tools=["docs"], docs=docs), steering=steering)
    assert (fused.result.rounds, fused.result.ended_by) == (1, "answer_now")
    assert "The register says 42." in [one.text for one in fused.result.answers]


async def test_a_stopped_member_leaves_what_it_found(fuse: Fuse, docs: str) -> None:
    steering = Steering()

    def stuck(seen: Seen) -> Reply:
        if seen.tool_results:
            steering.stop_member("C")
            return hang()
        return tool_calls([("docs_search", {"query": "fusion"})], content="Looking.")

    fused = await fuse(cast({C: stuck}), settings(tools=["docs"], docs=docs), steering=steering)
    (failure,) = fused.result.failed_members
    assert (failure.seat, failure.reason) == ("C", "stopped")
    answer = next(one for one in fused.result.answers if one.seat == "C")
    assert answer.status == "partial"
    assert "[C1]" in answer.text
    assert "deadline" not in fused.result.degraded


@pytest.mark.parametrize("rounds", [0, 1])
async def test_a_question_of_the_user_is_one_more_round(fuse: Fuse, rounds: int) -> None:
    steering = Steering()
    question = "And what does the almanac say?"
    script = cast(
        {
            A: asked_again(text("Alpha says 42."), text("The almanac says 42 as well.")),
            JUDGE: doing(lambda: steering.follow_up(question, ["A"]), structured(AGREED)),
        }
    )
    fused = await fuse(script, settings(max_rounds=rounds), steering=steering)
    (asked,) = fused.result.follow_ups
    assert (asked.id, asked.kind, asked.seats) == ("U1", "user", ("A",))
    assert asked.question == question
    assert fused.result.rounds == 1
    assert "The almanac says 42 as well." in fused.server.seen_by(WRITER)[0].text
    assert question in fused.server.seen_by(A)[1].text
    assert len(fused.server.seen_by(B)) == 1


async def test_it_goes_to_all_who_answered_beside_what_the_judge_asks(fuse: Fuse) -> None:
    steering = Steering()
    script = cast(
        {
            C: status(404),
            JUDGE: doing(lambda: steering.follow_up("And the almanac?"), structured(disputed())),
        }
    )
    fused = await fuse(script, settings(), steering=steering)
    kinds = [(one.id, one.kind, one.seats) for one in fused.result.follow_ups]
    assert kinds == [("U1", "user", ("A", "B")), ("F1", "contradiction", ("A", "B"))]


async def test_a_higher_cap_lets_calls_that_wait_go_on(
    fuse: Fuse, priced: Price, docs: str
) -> None:
    steering = Steering()
    poor = settings(budget_usd=0.06, max_rounds=0)
    assert (await fuse(cast(), poor)).result.degraded == ()
    raised: list[float | None] = []

    def act() -> None:
        steering.raise_budget(1.0)
        raised.append(steering.budget_usd)

    script = cast({JUDGE: doing(act, structured(AGREED))})
    fused = await fuse(script, poor, steering=steering)
    assert raised == [1.0]
    assert fused.result.degraded == ()


def late(steering: Steering, errors: list[str]) -> None:
    for act in (
        steering.answer_now,
        lambda: steering.stop_member("A"),
        lambda: steering.follow_up("Why?"),
    ):
        with pytest.raises(ConfigError) as caught:
            act()
        errors.append(str(caught.value))


async def test_what_comes_too_late_is_refused(fuse: Fuse) -> None:
    steering, errors = Steering(), list[str]()
    script = cast({WRITER: doing(lambda: late(steering, errors), text("Done."))})
    await fuse(script, settings(), steering=steering)
    assert errors == ["the answer is being written already"] * 3


async def test_what_makes_no_sense_is_refused(fuse: Fuse, priced: Price) -> None:
    steering, errors = Steering(), list[str]()

    def wrong() -> None:
        acts: list[Callable[[], None]] = [
            lambda: steering.stop_member("Z"),
            lambda: steering.follow_up("Why?", ["AB"]),
            lambda: steering.follow_up("  "),
            lambda: steering.raise_budget(0.5),
        ]
        for act in acts:
            with pytest.raises(ConfigError) as caught:
                act()
            errors.append(str(caught.value))

    script = cast({JUDGE: doing(wrong, structured(AGREED))})
    await fuse(script, settings(budget_usd=1.0), steering=steering)
    assert "there is no seat 'Z'; the seats are A, B, C" in errors[0]
    assert "no seat 'AB'" in errors[1]
    assert "empty" in errors[2]
    assert "is $1 already" in errors[3]


async def test_without_a_judge_no_question_can_be_asked(fuse: Fuse) -> None:
    steering = Steering()

    def ask() -> None:
        with pytest.raises(ConfigError, match="no judge"):
            steering.follow_up("Why?")

    fused = await fuse(cast({A: doing(ask, text("42"))}), settings(judge=None), steering=steering)
    assert fused.result.rounds == 0
