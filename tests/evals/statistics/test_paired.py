"""Paired differences beside independent computations and published values."""

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langgraph_fusion.evals.statistics.paired import PairedDifference, compare, correct
from tests.evals.recorded_scores import BUDGET, GLM, OPUS, recorded_scores


@pytest.mark.parametrize(
    ("first", "second", "n", "mean", "low", "high", "r"),
    [(OPUS, BUDGET, 100, 9.89, 7.5, 12.4, 0.75), (GLM, OPUS, 99, 1.16, -0.5, 2.8, 0.85)],
)
def test_recorded_runs_differ_as_was_published(
    first: str, second: str, n: int, mean: float, low: float, high: float, r: float
) -> None:
    ours, theirs = recorded_scores(first), recorded_scores(second)
    found = compare("x", "y", ours, theirs)
    estimate = found.difference
    assert estimate.n == n
    assert estimate.mean == pytest.approx(mean, abs=5e-3)
    assert estimate.bootstrap
    assert (estimate.bootstrap.low, estimate.bootstrap.high) == pytest.approx((low, high), abs=0.1)
    assert found.correlation == pytest.approx(r, abs=5e-3)
    common = sorted(ours.keys() & theirs.keys())
    gaps = [ours[task] - theirs[task] for task in common]
    assert estimate.se == pytest.approx(statistics.stdev(gaps) / math.sqrt(n), abs=1e-9)
    hand = statistics.correlation([ours[t] for t in common], [theirs[t] for t in common])
    assert found.correlation == pytest.approx(hand, abs=1e-9)
    assert found.told_apart is (low > 0)
    assert found.wins + found.losses + found.ties == n


def test_only_common_tasks_are_compared_and_the_others_counted() -> None:
    found = compare("x", "y", {"a": 10, "b": 20, "c": 5}, {"c": 1, "d": 9, "b": 8})
    assert (found.difference.n, found.difference.mean) == (2, 8.0)
    assert (found.only_first, found.only_second) == (1, 1)


def test_nothing_in_common_is_no_difference_at_all() -> None:
    found = compare("x", "y", {"a": 10}, {"b": 20})
    assert (found.difference.mean, found.p, found.correlation) == (None, None, None)
    assert not found.told_apart


@pytest.mark.parametrize(("gap", "p"), [(0.0, 1.0), (1e-13, 1.0), (2.0, 0.0)])
def test_a_constant_difference_needs_no_test(gap: float, p: float) -> None:
    scores = {"a": 10.1, "b": 20.2, "c": 40.3}
    found = compare("x", "y", {task: one + gap for task, one in scores.items()}, scores)
    assert found.p == p
    assert found.ties == (3 if p else 0)


def _with_p(*values: float | None) -> list[PairedDifference]:
    plain = compare("x", "y", {"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 1.0})
    return [plain.model_copy(update={"p": value}) for value in values]


def test_p_values_are_corrected_as_holm_wrote_it_down() -> None:
    corrected = correct(_with_p(0.04, 0.01, None, 0.03, 0.005))
    assert [one.p_holm for one in corrected] == pytest.approx([0.06, 0.03, None, 0.06, 0.02])


@settings(max_examples=30)  # statsmodels runs the collector each time
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_correction_is_monotone_and_never_lowers_a_p_value(values: list[float]) -> None:
    n = len(values)
    order = sorted(range(n), key=values.__getitem__)
    expected, running = [0.0] * n, 0.0
    for rank, at in enumerate(order):
        running = max(running, min(1.0, (n - rank) * values[at]))
        expected[at] = running
    found = [one.p_holm for one in correct(_with_p(*values))]
    assert found == pytest.approx(expected)


def test_nothing_to_correct_is_left_alone() -> None:
    assert correct([]) == []
    assert correct(_with_p(None))[0].p_holm is None
