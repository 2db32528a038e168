"""A run's cost by its events, when workers die under it and others go on with it."""

from typing import Any

from langgraph_fusion.server.runs.spend import RunCost

STARTED = {"type": "run.started"}


def call(seat: str, cost_usd: float | None, **more: Any) -> dict[str, Any]:
    whose = {"kind": "model", "stage": "panel", "seat": seat, "round": 0, "model": "m"}
    return {"type": "model.call", **whose, "cost_usd": cost_usd, "counted_usd": cost_usd, **more}


def lost(seat: str, worst_usd: float) -> dict[str, Any]:
    return call(seat, None, error="interrupted", replayed=True) | {"counted_usd": worst_usd}


def cost_of(*events: dict[str, Any]) -> RunCost:
    cost = RunCost()
    for event in events:
        cost.event(event)
    return cost


def test_a_call_that_a_dead_worker_had_under_way_is_charged_at_its_worst() -> None:
    cost = cost_of(
        *(STARTED, call("A", 1.0)),
        *(STARTED, call("A", 1.0, replayed=True), lost("B", 0.5), call("B", 0.25)),
    )
    assert cost.cost_usd is None
    assert (cost.calls, cost.known_usd, cost.at_most_usd) == (3, 1.25, 1.75)


def test_a_call_whose_worker_died_before_it_could_tell_is_charged_once() -> None:
    again = (STARTED, call("A", 1.0, replayed=True), call("A", 2.0, replayed=True))
    cost = cost_of(STARTED, call("A", 1.0), *again, *again)
    assert (cost.calls, cost.cost_usd) == (2, 3.0)


def test_a_resumed_run_pays_for_no_call_of_the_request_before() -> None:
    cost = cost_of(STARTED, call("A", 1.0, replayed=True), lost("B", 0.5), call("B", 0.25))
    assert (cost.calls, cost.cost_usd, cost.at_most_usd) == (1, 0.25, 0.25)


def test_a_call_of_an_earlier_turn_is_paid_already() -> None:
    replayed = call("A", 1.0, carried=True, replayed=True)
    assert cost_of(STARTED, replayed, STARTED, replayed, call("synthesizer", 0.5)).cost_usd == 0.5


def test_a_stopped_run_costs_what_its_calls_count_also_those_that_nobody_was_told_of() -> None:
    told = (STARTED, call("A", 1.0), call("B", 0.5, replayed=True))
    assert cost_of(*told).stopped_usd(1.5) == 1.0, "nothing was under way"
    assert cost_of(*told).stopped_usd(1.75) == 1.25, "a call that was cut off counts"
    assert cost_of(*told).stopped_usd(None) is None
    assert cost_of().stopped_usd(0.0) == 0.0
