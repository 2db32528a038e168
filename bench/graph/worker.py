"""One arm in a process of its own, so that no arm pays for another's memory or garbage.

    python -m bench.graph.worker ARM WORKLOAD-AS-JSON

Reads one JSON command a line and answers each with one JSON line:

- `load`: `at` clients, each making `each` runs one after the other
- `watch`: `runs` streamed runs, one after the other
- `wait`: start `at` runs against a server that hangs, and tell the memory they hold; then cancel
"""

import asyncio
import gc
import json
import math
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from bench.graph.arms import arm
from bench.graph.arms.base import Arm, Workload
from bench.graph.process import used_by


async def main() -> None:
    """Obey until standard input ends."""
    workload = Workload(**json.loads(sys.argv[2]))
    async with arm(sys.argv[1])(workload) as made:
        await made.once()  # imports and first connections count for nobody
        print(json.dumps({"ready": True}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            command = json.loads(line)
            answer = await COMMANDS[command.pop("do")](made, **command)
            print(json.dumps(answer), flush=True)


async def load(made: Arm, at: int, each: int) -> dict[str, Any]:
    """Wall, CPU, memory and loop lag of `at` clients that make `each` runs one after the other."""
    walls: list[float] = []
    heard: list[int] = []

    async def client() -> None:
        for _ in range(each):
            began = time.perf_counter()
            found = await made.once()
            walls.append(time.perf_counter() - began)
            heard.extend([found] if isinstance(found, int) else [])

    gc.collect()
    before, began, own_s = used_by(made.pid), time.perf_counter(), time.process_time()
    async with _lags(made) as lags:
        await asyncio.gather(*(client() for _ in range(at)))
    wall, after = time.perf_counter() - began, used_by(made.pid)
    return {
        "wall_s": wall,
        "runs_s": walls,
        "heard": heard,
        "cpu_s": after.cpu_s - before.cpu_s,
        "client_cpu_s": time.process_time() - own_s if made.pid != os.getpid() else 0.0,
        "rss_mib": made.peak_mib() if made.peak_mib else after.rss_mib,
        "lag_s": _percentile(lags, 0.99),
    }


async def watch(made: Arm, runs: int) -> list[dict[str, float]]:
    """Streamed runs, one after the other."""
    assert made.watch is not None
    return [asdict(await made.watch()) for _ in range(runs)]


async def wait(made: Arm, at: int) -> dict[str, float]:
    """Memory with one run waiting for its members, and with `at`."""
    waiting = [asyncio.ensure_future(made.once())]
    one = await _settled(made)
    waiting += [asyncio.ensure_future(made.once()) for _ in range(at - 1)]
    all_of_them = await _settled(made)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return {"one_mib": one, "all_mib": all_of_them, "at": at}


async def _settled(made: Arm) -> float:
    await asyncio.sleep(3)
    gc.collect()
    return used_by(made.pid).rss_mib


@asynccontextmanager
async def _lags(made: Arm) -> AsyncIterator[list[float]]:
    """The arm's lag, again and again while the block runs."""
    late: list[float] = []

    async def tick() -> None:
        while True:
            late.append(await made.lag())

    ticking = asyncio.create_task(tick())
    try:
        yield late
    finally:
        ticking.cancel()


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values)) - 1] if values else 0.0


COMMANDS: dict[str, Any] = {"load": load, "watch": watch, "wait": wait}

if __name__ == "__main__":
    asyncio.run(main())
