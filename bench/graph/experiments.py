"""The measurements; each returns plain values, so that `--json` is the same thing."""

import statistics
from collections.abc import Sequence
from typing import Any

from bench.graph.arms import ARMS, CLI, HTTP, HTTP_TWICE, LEAN, OURS
from bench.graph.arms.base import Workload
from bench.graph.cast import TOOL_TURNS
from bench.graph.size import QUICKLY, Size
from bench.graph.stage import Server, Worker, workers

Row = dict[str, Any]


async def loads(server: Server, size: Size, *, agentic: bool) -> list[Row]:
    """Every arm under every load; the arms take turns."""
    turns = TOOL_TURNS + 3 if agentic else 3
    workload = Workload(server.url, agentic=agentic)
    labels = [label for label in ARMS if not agentic or label not in (CLI, HTTP_TWICE)]
    found: list[Row] = []
    await server.set(QUICKLY)
    async with workers(labels, workload) as ready:
        await server.set(f"constant:{size.call_s}")
        for at in (1, 10) if agentic else size.loads:
            rounds = size.singles if at == 1 else size.rounds
            measured: dict[str, list[Row]] = {label: [] for label in labels}
            for _ in range(rounds):
                for label in labels:
                    if label != CLI or at == 1:
                        row = await _load(ready[label], server, at, 1 if at == 1 else size.each)
                        measured[label].append(row)
            found += [
                {"arm": label, "at": at, **_middle(rows, turns * size.call_s)}
                for label, rows in measured.items()
                if rows
            ]
    return found


async def streams(server: Server, size: Size) -> list[Row]:
    """Time to the first event and to the writer's first token, one run at a time."""
    await server.set(QUICKLY)
    async with workers([OURS, HTTP], Workload(server.url)) as ready:
        await server.set("constant:0.2")
        found = {label: await ready[label].do("watch", runs=3 * size.singles) for label in ready}
    return [{"arm": label, **_streamed(runs)} for label, runs in found.items()]


async def memory(server: Server, size: Size) -> list[Row]:
    """What a waiting run holds, and what is left of runs that are over."""
    found: list[Row] = []
    for label in (label for label in ARMS if label not in (CLI, HTTP_TWICE, LEAN)):
        await server.set(QUICKLY)
        async with workers([OURS, label], Workload(server.url)) as ready:
            held = await _held(ready[label], server, size)
            await server.set(QUICKLY)
            at, each = 50, size.flat_runs // 50
            first = await ready[label].do("load", at=at, each=each)
            then = await ready[label].do("load", at=at, each=each)
            found.append(
                {
                    "arm": label,
                    "mib_per_waiting_run": held,
                    "runs": at * each,
                    "left_mib": then["rss_mib"] - first["rss_mib"],
                    "rss_mib": then["rss_mib"],
                }
            )
    return found


async def _held(worker: Worker, server: Server, size: Size) -> float:
    await server.set("constant:3600")
    waits = await worker.do("wait", at=size.waiting)
    return float(waits["all_mib"] - waits["one_mib"]) / (size.waiting - 1)


async def _load(worker: Worker, server: Server, at: int, each: int) -> Row:
    before = await server.counts()
    row: Row = await worker.do("load", at=at, each=each)
    after = await server.counts()
    runs = at * each
    return {
        "run_s": statistics.median(row["runs_s"]),
        "runs_per_s": runs / row["wall_s"],
        "cpu_ms": 1000 * row["cpu_s"] / runs,
        "others_cpu_ms": 1000 * (row["client_cpu_s"] + after["cpu_s"] - before["cpu_s"]) / runs,
        "lag_ms": 1000 * row["lag_s"],
        "rss_mib": row["rss_mib"],
        "tokens": (after["tokens"] - before["tokens"]) / runs,
        "server_busy": (after["cpu_s"] - before["cpu_s"]) / row["wall_s"],
    }


def _streamed(runs: Sequence[Row]) -> Row:
    return {
        "first_s": statistics.median(one["first_s"] for one in runs),
        "token_s": statistics.median(one["token_s"] for one in runs),
        "worst_first_s": max(one["first_s"] for one in runs),
        "worst_token_s": max(one["token_s"] for one in runs),
    }


def _middle(rows: Sequence[Row], critical_s: float) -> Row:
    """The median of every measure, and the time over the critical path."""
    middle = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    return {**middle, "over_critical": middle["run_s"] / critical_s, "rounds": len(rows)}
