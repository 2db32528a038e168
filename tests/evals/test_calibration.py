"""A judge beside recorded verdicts: agreement, kappa, bias."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.evals.calibration import calibrate, calibrate_arms, describe
from langgraph_fusion.evals.records import Answer, ArmResult, Outcome, TaskScore, Verdict


def outcome(task: str, marks: str, score: float | None = None, text: str = "x") -> Outcome:
    """Verdicts on criteria 0, 1, …: `1` met, `0` not, `?` lost."""
    verdicts = tuple(
        Verdict(criterion=str(number), met=None if mark == "?" else mark == "1")
        for number, mark in enumerate(marks)
    )
    known = None
    if score is not None:
        known = TaskScore(score=score, pass_rate=0, raw=0, positive=1, passes=(score,))
    return Outcome(task=task, answer=Answer(text=text), verdicts=verdicts, score=known)


def test_a_table_from_a_textbook_has_its_kappa() -> None:
    # 20 both yes, 5 and 10 apart, 15 both no: kappa 0.4 (Cohen's example as usually taught)
    ours = outcome("a", "1" * 25 + "0" * 25)
    theirs = outcome("a", "1" * 20 + "0" * 5 + "1" * 10 + "0" * 15)
    found = calibrate([ours], [theirs], "people")
    assert (found.verdicts, found.tasks, found.against) == (50, 1, "people")
    assert found.agreement == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)
    assert found.bias is None


def test_the_bias_is_the_mean_difference_of_common_tasks() -> None:
    ours = [outcome("a", "10", 60.0), outcome("b", "01", 50.0), outcome("c", "11", 1.0)]
    theirs = [outcome("a", "10", 50.0), outcome("b", "11", 44.0), outcome("d", "11", 99.0)]
    found = calibrate(ours, theirs, "m")
    assert (found.bias, found.tasks, found.verdicts) == (8.0, 2, 4)


def test_lost_and_undecided_verdicts_are_left_out() -> None:
    tied = Outcome(
        task="a",
        answer=Answer(text="x"),
        verdicts=tuple(Verdict(criterion="0", judge_pass=n, met=n == 1) for n in range(2)),
    )
    with pytest.raises(ValueError, match="no criterion"):
        calibrate([tied], [outcome("a", "1")], "m")
    assert calibrate([outcome("a", "?10")], [outcome("a", "111")], "m").verdicts == 2


def test_a_judge_that_says_one_thing_only_has_no_kappa() -> None:
    found = calibrate([outcome("a", "1111")], [outcome("a", "1101")], "m")
    assert (found.kappa, found.agreement) == (None, 0.75)
    assert "κ unknown" in describe(found)


def test_only_answers_with_the_same_text_are_calibrated() -> None:
    def arm(*outcomes: Outcome) -> ArmResult:
        return ArmResult(name="x", kind="recorded", outcomes=outcomes)

    ours = arm(outcome("a", "10", text="one"), outcome("b", "11", text="two"))
    theirs = arm(outcome("a", "10", text="one"), outcome("b", "00", text="other"))
    found = calibrate_arms(ours, theirs, "m")
    assert (found.tasks, found.agreement) == (1, 1.0)
    assert "fewer than 20 tasks" in describe(found)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60))
def test_kappa_is_agreement_beyond_chance(pairs: list[tuple[bool, bool]]) -> None:
    ours = outcome("a", "".join("01"[mine] for mine, _ in pairs))
    theirs = outcome("a", "".join("01"[other] for _, other in pairs))
    found = calibrate([ours], [theirs], "m")
    n = len(pairs)
    p, q = sum(mine for mine, _ in pairs) / n, sum(other for _, other in pairs) / n
    if p in (0, 1) or q in (0, 1):
        assert found.kappa is None
        return
    chance = p * q + (1 - p) * (1 - q)
    observed = sum(mine == other for mine, other in pairs) / n
    assert found.kappa == pytest.approx((observed - chance) / (1 - chance))
