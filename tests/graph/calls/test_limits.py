from langgraph_fusion.graph.calls.budget import Planned
from langgraph_fusion.graph.calls.limits import Limits
from langgraph_fusion.models.prices import Price


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
    assert not limits.schedule("panel", 0).over


async def test_no_round_starts_without_time_or_money() -> None:
    assert Limits(100, None).allows("follow_up", 1)
    assert not Limits(1, None).allows("follow_up", 1)
    poor = Limits(100, 1.0)
    dear = await poor.budget.reserve(Planned(Price(1, 2), 900_000, 1), 1.0)
    poor.budget.settle(dear, 0.9)
    assert not poor.allows("follow_up", 1)
