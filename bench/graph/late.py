"""How long runs take when calls are late, by who is late and how the run lives with it."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.graph.arms import OURS
from bench.graph.arms.base import Workload
from bench.graph.cast import MEMBERS
from bench.graph.latency import latency_of
from bench.graph.plans import Plan
from bench.graph.size import QUICKLY, Size
from bench.graph.stage import Server, workers

Row = dict[str, Any]
SPREAD = "any call, log-normal"
TAIL = "any call, 1 in 20"
PANEL_TAIL = "members, 1 in 20"
HANGS = "one member hangs"


async def late(server: Server, size: Size) -> list[Row]:
    """Runs of our own arm under every distribution and plan, beside the same on paper."""
    call_s, found = size.call_s, list[Row]()
    waits = Plan("waits for all")
    quorum = Plan("quorum 2 of 3", quorum=2, grace_s=call_s)
    hedged = replace(quorum, name="quorum, judge and writer hedged", hedge_s=2 * call_s)
    by_then = 20 * call_s
    cases: list[tuple[str, str, Sequence[Plan]]] = [
        (SPREAD, f"lognormal:{call_s}:0.6", (waits, quorum, hedged)),
        (PANEL_TAIL, f"panel-tail:{call_s}:20:20", (waits, quorum)),
        (TAIL, f"tail:{call_s}:20:20", (waits, quorum, hedged)),
        (HANGS, f"hang:{MEMBERS[1]}:{call_s}", (
            replace(waits, name=f"deadline {by_then:g} s", deadline_s=by_then),
            replace(quorum, deadline_s=by_then),
        )),
    ]  # fmt: skip
    for who, distribution, plans in cases:
        found += [await _runs(server, size, who, distribution, plan) for plan in plans]
    return found


async def _runs(server: Server, size: Size, who: str, distribution: str, plan: Plan) -> Row:
    await server.set(QUICKLY)
    async with workers([OURS], Workload(server.url, settings=plan.settings())) as ready:
        await server.set(distribution)
        each = 1 if who == HANGS else size.tail_runs // size.tail_at
        row = await ready[OURS].do("load", at=size.tail_at, each=each)
    drawn = list(plan.on_paper(latency_of(distribution, seed=2)))
    return {
        "late": who,
        "plan": plan.name,
        "grace_s": plan.grace_s,
        "deadline_s": plan.deadline_s,
        "runs_s": sorted(row["runs_s"]),
        **_figures(row["runs_s"], row["heard"]),
        "on_paper": _figures(*zip(*drawn, strict=True)),
    }


def _figures(runs_s: Sequence[float], heard: Sequence[int]) -> Row:
    return {
        "p50_s": statistics.median(runs_s),
        "p95_s": sorted(runs_s)[int(0.95 * len(runs_s))],
        "all_heard": sum(count == len(MEMBERS) for count in heard) / len(heard),
    }
