import time

import pytest

from langgraph_fusion.graph.limits import BudgetReached, Limits


def test_each_stage_leaves_time_to_those_after_it() -> None:
    limits = Limits(100, None)
    ends = [
        limits.ends("panel", 0),
        limits.ends("judge", 0),
        limits.ends("follow_up", 1),
        limits.ends("judge", 1),
        limits.ends("synthesizer", 1),
    ]
    assert ends == sorted(ends)
    assert ends[-1] == limits.began + 100
    now = time.monotonic()
    assert now < limits.soft_end("panel", 0) < limits.ends("panel", 0)


def test_a_call_that_might_pass_the_cap_is_not_reserved() -> None:
    limits = Limits(100, 1.0)
    limits.reserve(0.5, "panel", 0)
    with pytest.raises(BudgetReached):
        limits.reserve(0.2, "panel", 0)
    limits.reserve(0.2, "judge", 0)
    limits.settle(0.5, 0.1)
    limits.reserve(0.2, "panel", 0)


def test_an_unknown_cost_counts_as_the_worst_case() -> None:
    limits = Limits(100, 1.0)
    limits.reserve(0.6, "panel", 0)
    limits.settle(0.6, None)
    with pytest.raises(BudgetReached):
        limits.reserve(0.2, "panel", 0)


def test_no_round_starts_without_time_or_money() -> None:
    assert Limits(100, None).allows_follow_ups(1)
    assert not Limits(1, None).allows_follow_ups(1)
    poor = Limits(100, 1.0)
    poor.reserve(0.9, "synthesizer", 0)
    assert not poor.allows_follow_ups(1)
