"""Means, intervals and shares beside independent computations and published values."""

import math
import random
import statistics
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.evals.statistics.estimates import (
    Interval,
    bootstrap_mean,
    estimate_by_group,
    estimate_mean,
)
from langgraph_fusion.evals.statistics.shares import all_fail, share_of
from tests.evals.recorded_scores import GLM, OPUS, recorded_scores

T_99 = 1.984216951586417
"""The 97.5 % quantile of Student's t with 99 degrees of freedom, from a published table."""


def test_the_recorded_frontier_run_has_its_published_interval() -> None:
    scores = list(recorded_scores(OPUS).values())
    found = estimate_mean(scores)
    assert found.n == 100
    assert found.mean == pytest.approx(70.64674309, abs=5e-9)
    assert found.sd == pytest.approx(statistics.stdev(scores), abs=1e-9)
    assert found.sd == pytest.approx(15.52, abs=5e-3)
    assert found.t
    half = T_99 * statistics.stdev(scores) / 10
    assert found.t.low == pytest.approx(statistics.fmean(scores) - half, abs=1e-9)
    assert found.t.high == pytest.approx(statistics.fmean(scores) + half, abs=1e-9)
    assert (found.t.low, found.t.high) == pytest.approx((67.57, 73.73), abs=5e-3)


@pytest.mark.parametrize("file", [OPUS, GLM])
def test_a_bootstrap_written_by_hand_gives_the_same_interval(file: str) -> None:
    scores = list(recorded_scores(file).values())
    draw = random.Random(7)
    means = sorted(statistics.fmean(draw.choices(scores, k=len(scores))) for _ in range(20_000))
    found = bootstrap_mean(scores)
    assert found.low == pytest.approx(means[500], abs=0.12)
    assert found.high == pytest.approx(means[19_499], abs=0.12)
    assert bootstrap_mean(scores) == found


def test_few_tasks_have_no_interval() -> None:
    assert estimate_mean([]).mean is None
    alone = estimate_mean([40.0])
    assert (alone.mean, alone.sd, alone.t, alone.bootstrap) == (40.0, None, None, None)


@pytest.mark.parametrize("values", [[70.0, 70.0, 70.0], [0.1 + 0.2, 0.3, 0.3]])
def test_equal_scores_have_an_interval_of_no_width(values: list[float]) -> None:
    found = estimate_mean(values)
    assert found.sd == 0
    assert found.t == Interval(low=found.mean or 0, high=found.mean or 0)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=30))
def test_a_mean_lies_in_its_intervals(values: list[float]) -> None:
    found = estimate_mean(values)
    assert found.t
    assert found.bootstrap
    assert found.mean is not None
    assert found.t.low - 1e-9 <= found.mean <= found.t.high + 1e-9
    assert min(values) - 1e-9 <= found.bootstrap.low <= found.bootstrap.high + 1e-9
    assert found.bootstrap.high <= max(values) + 1e-9


def test_groups_are_estimated_by_themselves() -> None:
    scores = {"a": 10.0, "b": 30.0, "c": 50.0}
    found = estimate_by_group(scores, {"a": "Law", "b": "Law", "c": "Art"}.__getitem__)
    assert {name: (one.n, one.mean) for name, one in found.items()} == {
        "Art": (1, 50.0),
        "Law": (2, 20.0),
    }


def _solved(tail: Callable[[float], float]) -> float:
    """Where a tail that falls or rises over 0 to 1 is 2.5 %, by bisection."""
    low, high = 0.0, 1.0
    rises = tail(high) > tail(low)
    for _ in range(100):
        middle = (low + high) / 2
        if (tail(middle) > 0.025) == rises:
            high = middle
        else:
            low = middle
    return low


def _at_least(count: int, n: int, p: float) -> float:
    return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(count, n + 1))


@pytest.mark.parametrize(("count", "n"), [(0, 10), (1, 10), (23, 100), (10, 10), (48, 132)])
def test_a_share_has_the_interval_of_clopper_and_pearson(count: int, n: int) -> None:
    found = share_of(count, n)
    assert found.interval
    low = _solved(lambda p: _at_least(count, n, p)) if count else 0.0
    high = _solved(lambda p: 1 - _at_least(count + 1, n, p)) if count < n else 1.0
    assert found.interval.low == pytest.approx(low, abs=1e-9)
    assert found.interval.high == pytest.approx(high, abs=1e-9)


def test_what_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="11 of 10"):
        share_of(11, 10)


def test_a_task_counts_as_failed_by_all_only_if_all_were_scored() -> None:
    members = [{"a": 20.0, "b": 90.0, "c": 49.9, "d": 1.0}, {"a": 10.0, "b": 1.0, "c": 49.0}]
    found = all_fail(members)
    assert (found.count, found.n) == (2, 3)
    assert all_fail([]).share is None
