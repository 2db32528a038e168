import pytest
from hypothesis import given
from hypothesis import strategies as some

from langgraph_fusion.evals.records import Criterion, Task, Verdict
from langgraph_fusion.evals.scoring import score_pass, score_task


def rubric(*weights: float) -> tuple[Criterion, ...]:
    return tuple(
        Criterion(id=str(n), section="facts" if n % 2 else "style", weight=w, requirement="x")
        for n, w in enumerate(weights, 1)
    )


def task(*weights: float) -> Task:
    return Task(id="t", question="?", criteria=rubric(*weights))


def verdicts(*met: bool | None, judge_pass: int = 0) -> list[Verdict]:
    given = enumerate(met, 1)
    return [Verdict(criterion=str(n), met=one, judge_pass=judge_pass) for n, one in given]


def test_a_met_fault_costs_its_weight() -> None:
    found = score_pass(rubric(10, 10, -5), {"1": True, "2": True, "3": True})
    assert (found.raw, found.positive, found.score) == (15, 20, 75.0)
    assert found.pass_rate == pytest.approx(200 / 3)


def test_a_score_is_never_below_zero_or_above_a_hundred() -> None:
    assert score_pass(rubric(10, -50), {"1": True, "2": True}).score == 0.0
    assert score_pass(rubric(10, -50), {"1": True, "2": False}).score == 100.0


def test_a_rubric_of_faults_alone_scores_zero() -> None:
    found = score_pass(rubric(-1, -2), {"1": False, "2": False})
    assert (found.score, found.pass_rate) == (0.0, 100.0)


def test_a_missing_verdict_is_not_an_unmet_one() -> None:
    assert score_task(task(10, 10), verdicts(True), 1) is None
    assert score_task(task(10, 10), verdicts(True, None), 1) is None
    dropped = score_task(task(10, 10), verdicts(True, None), 1, "drop")
    assert dropped is not None
    assert dropped.score == 100.0


def test_passes_are_averaged_before_tasks() -> None:
    both = [*verdicts(True, True), *verdicts(True, False, judge_pass=1)]
    found = score_task(task(10, 10), both, 2)
    assert found is not None
    assert (found.score, found.passes) == (75.0, (100.0, 50.0))
    assert score_task(task(10, 10), verdicts(True, True), 2) is None


def test_an_axis_is_scored_by_itself() -> None:
    found = score_task(task(10, 4, 10, -4), verdicts(True, True, False, True), 1)
    assert found is not None
    assert found.sections["facts"].score == 50.0
    assert found.sections["style"].score == 0.0


weights = some.lists(some.integers(-50, 50).filter(bool), min_size=1, max_size=12)


@given(weights=weights, bits=some.integers(0, 4095))
def test_meeting_one_more_wanted_criterion_never_lowers_the_score(
    weights: list[int], bits: int
) -> None:
    criteria = rubric(*weights)
    met = {one.id: bool(bits >> n & 1) for n, one in enumerate(criteria)}
    before = score_pass(criteria, met)
    assert 0.0 <= before.score <= 100.0
    for one in criteria:
        after = score_pass(criteria, met | {one.id: one.weight > 0})
        assert after.score >= before.score
        assert after.pass_rate >= before.pass_rate
