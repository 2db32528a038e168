"""What the engine adds to a run: the same requests to a server with it and to one without."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from statistics import median

from bench.graph.process import used_by
from bench.scaling.accounts import Answer
from bench.scaling.client import ask
from bench.scaling.report import Row, none
from bench.scaling.stage import Cluster, Host, Stage, cluster

_LATENCY = "constant:0.2"
_CRITICAL_S = 0.6
"""Of a member, the judge and the writer."""
_IDLE_S = 10.0
_AT_ONCE = 5


@dataclass
class _Arm:
    name: str
    server: int
    processes: list[Host]
    whole: list[Answer] = field(default_factory=list)
    streamed: list[Answer] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    database_ms: list[float] = field(default_factory=list)
    """CPU of PostgreSQL."""

    def cpu_s(self) -> float:
        return sum(used_by(host.process.pid).cpu_s for host in self.processes)


async def overhead(stage: Stage, quick: bool, seed: int) -> list[Row]:
    """Single runs, streamed runs and batches, in turn at both; runs are kept in PostgreSQL."""
    rounds = 5 if quick else 20
    await stage.models.set(_LATENCY)
    async with cluster(stage) as place:
        without = await place.add_server(engine=False)
        await place.start([], [], number=1)
        arms = [
            _Arm("without", 0, [without]),
            _Arm("with", 1, [place.servers[1], place.workers[0]]),
        ]
        numbers = count()
        for arm in arms:  # imports and first connections count for nobody
            await asyncio.gather(*(ask(place, next(numbers), server=arm.server) for _ in range(8)))
        for turn in range(rounds):
            stage.say(f"round {turn + 1} of {rounds}")
            for arm in arms:
                await _round(place, arm, numbers)
        before = arms[1].cpu_s(), used_by(stage.postgres.pid).cpu_s
        await asyncio.sleep(_IDLE_S)
        idle = arms[1].cpu_s() - before[0], used_by(stage.postgres.pid).cpu_s - before[1]
    return _rows(arms, *(1000 * one / _IDLE_S for one in idle))


async def _round(place: Cluster, arm: _Arm, numbers: "count[int]") -> None:
    arm.whole.append(await ask(place, next(numbers), server=arm.server))
    arm.streamed.append(await ask(place, next(numbers), server=arm.server, stream=True))
    pid = place.stage.postgres.pid
    cpu, database = arm.cpu_s(), used_by(pid).cpu_s
    batch = [ask(place, next(numbers), server=arm.server) for _ in range(_AT_ONCE)]
    arm.whole += [one for one in await asyncio.gather(*batch) if one.failure]
    arm.cpu_ms.append(1000 * (arm.cpu_s() - cpu) / _AT_ONCE)
    arm.database_ms.append(1000 * (used_by(pid).cpu_s - database) / _AT_ONCE)


def _rows(arms: list[_Arm], idle_ms: float, idle_database_ms: float) -> list[Row]:
    figures = {
        f"one run, beyond the {_CRITICAL_S:g} s of its models": [
            _ms(one.ended - one.began - _CRITICAL_S for one in arm.whole) for arm in arms
        ],
        "time to the first event of a stream": [
            _ms(one.first - one.began for one in arm.streamed) for arm in arms
        ],
        "CPU a run, server and worker": [median(arm.cpu_ms) for arm in arms],
        "CPU a run, PostgreSQL": [median(arm.database_ms) for arm in arms],
    }
    failed = sum(1 for arm in arms for one in (*arm.whole, *arm.streamed) if one.failure)
    return [
        *(Row(f"{name}: without the engine, with it, difference",
              f"{without:.0f} ms, {engine:.0f} ms, {engine - without:+.0f} ms")
          for name, (without, engine) in figures.items()),
        Row("CPU of an idle server and worker, a second", f"{idle_ms:.0f} ms"),
        Row("CPU of PostgreSQL under them, a second", f"{idle_database_ms:.0f} ms"),
        none("runs that failed", failed),
    ]  # fmt: skip


def _ms(seconds: Iterable[float]) -> float:
    return 1000 * median(seconds)
