"""A thousand queued runs, and the memory of the processes while two workers drain them."""

import asyncio
import time
from collections.abc import Sequence

from bench.abuse.watch import memory_mib
from bench.scaling.client import ask
from bench.scaling.report import Row, none
from bench.scaling.stage import Cluster, Stage, cluster

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_PATIENCE_S = 1800.0
_AFTER_S = 5.0
_FLAT = 1.15
"""The most that a process may hold at the end, of what it held after the first quarter."""


async def drain(stage: Stage, quick: bool, seed: int) -> list[Row]:
    """All are asked at once, each on a connection of its own."""
    number = 100 if quick else 1000
    room = ("--max-runs", str(number), "--queue", str(number), "--max-connections", "3000")
    await stage.models.set("lognormal:0.2:0.5", seed)
    async with cluster(stage) as place:
        await place.start(room, [])
        await asyncio.gather(*(ask(place, number + n) for n in range(16)))  # all is loaded
        memory = [_memory(place)]
        began = time.monotonic()
        asking = [asyncio.create_task(ask(place, n, patience_s=_PATIENCE_S)) for n in range(number)]
        for share in _SHARES:
            await _until_done(stage, asking, share)
            memory.append(_memory(place))
        seconds = time.monotonic() - began
        answers = await asyncio.gather(*asking)
        await asyncio.sleep(_AFTER_S)
        memory.append(_memory(place))
    calls = await stage.models.calls()
    held = list(zip(*memory, strict=True))
    return [
        none("queued runs lost", sum(1 for one in answers if one.failure), str(number)),
        none("calls made twice", len(calls) - len({(c.run, c.model, c.turn) for c in calls})),
        Row("runs/s until the queue was empty", f"{number / seconds:.1f}"),
        *(_row(name, mib) for name, mib in zip(("server", "worker", "worker"), held, strict=True)),
    ]


def _memory(place: Cluster) -> list[float]:
    return [memory_mib(host.process.pid) for host in (*place.servers, *place.workers)]


def _row(name: str, mib: Sequence[float]) -> Row:
    moments = "before; asked, at 25, 50, 75, 100 % done; after"
    before, asked, quarter, *later, end, after = (f"{one:.0f}" for one in mib)
    shown = f"{before}; {', '.join((asked, quarter, *later, end))}; {after}"
    return Row(f"MiB of the {name}: {moments}", shown, "flat from 25 %", mib[5] <= _FLAT * mib[2])


async def _until_done(stage: Stage, asking: Sequence["asyncio.Task[object]"], share: float) -> None:
    """Wait until this share has been answered; for none, until all have been sent."""
    while (done := sum(task.done() for task in asking)) < share * len(asking):
        stage.say(f"{done} of {len(asking)} answered")
        await asyncio.sleep(1)
    if not share:
        await asyncio.sleep(2)
