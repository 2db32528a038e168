"""The judge's own noise, beside the formulas written out."""

import math
import statistics

import pytest

from langgraph_fusion.evals.records import Answer, Outcome, TaskScore, Verdict
from langgraph_fusion.evals.statistics.reliability import noise_floor, pass_means


def outcome(task: str, passes: tuple[float, ...], verdicts: str = "") -> Outcome:
    """An outcome; verdicts as in `a:101 b:1?1`, a digit a pass."""
    given = [
        Verdict(criterion=name, judge_pass=number, met=None if mark == "?" else mark == "1")
        for name, marks in (one.split(":") for one in verdicts.split())
        for number, mark in enumerate(marks)
    ]
    score = TaskScore(score=statistics.fmean(passes), pass_rate=0, raw=0, positive=1, passes=passes)
    return Outcome(task=task, answer=Answer(text="x"), score=score, verdicts=tuple(given))


def test_one_pass_tells_nothing_about_noise() -> None:
    assert noise_floor([outcome("a", (50.0,))]) is None
    assert noise_floor([]) is None


def test_noise_is_pooled_over_tasks() -> None:
    tasks = {"a": (50.0, 52.0, 54.0), "b": (10.0, 10.0, 16.0)}
    found = noise_floor([outcome(task, passes) for task, passes in tasks.items()])
    assert found
    variances = [statistics.variance(passes) for passes in tasks.values()]
    assert found.within_sd == pytest.approx(math.sqrt(statistics.fmean(variances)))
    assert found.mean_se == pytest.approx(math.sqrt(sum(variances) / 3) / 2)
    assert found.difference == pytest.approx(1.959964 * math.sqrt(2) * found.mean_se, abs=1e-6)
    assert (found.tasks, found.passes) == (2, 3)


def test_agreement_counts_criteria_judged_in_every_pass() -> None:
    found = noise_floor([outcome("a", (1.0, 2.0), "p:11 q:00 r:10 s:1?")])
    assert found
    assert found.criteria == 3
    assert found.agreement == pytest.approx(2 / 3)
    # Fleiss: observed 2/3, expected 2 * (1/2)^2
    assert found.kappa == pytest.approx((2 / 3 - 1 / 2) / (1 - 1 / 2))


def test_verdicts_that_never_vary_have_no_kappa() -> None:
    found = noise_floor([outcome("a", (1.0, 2.0), "p:11 q:11")])
    assert found
    assert found.kappa is None


def test_the_mean_of_each_pass_is_over_tasks_that_have_them_all() -> None:
    outcomes = [outcome("a", (10.0, 20.0)), outcome("b", (30.0, 50.0)), outcome("c", (99.0,))]
    assert pass_means(outcomes) == [20.0, 35.0]
    assert pass_means([]) == []
