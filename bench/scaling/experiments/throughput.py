"""Runs a second with one worker and with two: when models are slow, and when they are not."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from statistics import median

from bench.graph.process import used_by
from bench.scaling.client import ask
from bench.scaling.report import Row, none
from bench.scaling.stage import AGENTIC, PLAIN, Cluster, Stage, cluster

_SERVER = ("--max-runs", "500", "--queue", "500")


@dataclass(frozen=True)
class _Load:
    name: str
    model: str
    latency: str
    runs: int
    least_gain: float | None
    """Of a second worker; None where it has to share our processors with the rest."""


@dataclass
class _Measured:
    per_s: float
    cpu_ms: float
    """Of all workers and the server, a run."""
    failed: int


async def throughput(stage: Stage, quick: bool, seed: int) -> list[Row]:
    """One worker, then a second beside it, in turn."""
    loads = [
        _Load("I/O-bound: 2 s a call, no tools", PLAIN, "constant:2", 32 if quick else 64, 1.8),
        _Load("CPU-bound: 0 s a call, 20 calls", AGENTIC, "constant:0", 24 if quick else 80, None),
    ]
    found: dict[tuple[str, int], list[_Measured]] = defaultdict(list)
    async with cluster(stage) as place:
        await place.start(_SERVER, [], number=1)
        numbers = count()
        for turn in range(1 if quick else 3):
            for workers in (1, 2):
                if workers == 2:
                    await place.add_worker()
                for load in loads:
                    stage.say(f"{load.name}, {workers} worker(s), turn {turn + 1}")
                    found[load.name, workers].append(await _measured(place, load, numbers))
            await place.kill(place.workers[1])
    rows = [row for load in loads for row in _rows(load, found)]
    return [*rows, none("runs that failed", sum(m.failed for one in found.values() for m in one))]


async def _measured(place: Cluster, load: _Load, numbers: "count[int]") -> _Measured:
    await place.stage.models.set(load.latency)
    warm = [ask(place, next(numbers), model=load.model) for _ in range(8 * len(place.workers))]
    warmed = await asyncio.gather(*warm)
    cpu, began = _cpu_s(place), time.monotonic()
    asking = [ask(place, next(numbers), model=load.model) for _ in range(load.runs)]
    answers = await asyncio.gather(*asking)
    seconds = time.monotonic() - began
    cpu_ms = 1000 * (_cpu_s(place) - cpu) / load.runs
    return _Measured(load.runs / seconds, cpu_ms, sum(1 for one in warmed + answers if one.failure))


def _cpu_s(place: Cluster) -> float:
    return sum(used_by(host.process.pid).cpu_s for host in (*place.servers, *place.workers))


def _rows(load: _Load, found: dict[tuple[str, int], list[_Measured]]) -> list[Row]:
    one, two = (median(m.per_s for m in found[load.name, number]) for number in (1, 2))
    cpu = median(m.cpu_ms for number in (1, 2) for m in found[load.name, number])
    gain, least = two / one, load.least_gain
    return [
        Row(f"{load.name}: runs/s with one worker, with two", f"{one:.2f}, {two:.2f}"),
        Row(f"{load.name}: gain of the second", f"{gain:.2f}",
            f"{least} or more" if least else "", gain >= least if least else None),
        Row(f"{load.name}: CPU a run, server and workers", f"{cpu:.0f} ms"),
    ]  # fmt: skip
