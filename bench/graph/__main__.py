"""Wall time and throughput of a deliberation beside bare references, in one run.

    python -m bench.graph [--call-s 0.5] [--at 1,50,200]

Every model call takes `--call-s` seconds, so the critical path of a run is three of them. The arms
take turns, and the ratios are of their medians; single times depend on the machine.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

from bench.graph.arms import ARMS, Once

ROUNDS = 5


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--call-s", type=float, default=0.5)
    given.add_argument("--at", default="1,50,200")
    chosen = given.parse_args()
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.graph.server", str(chosen.call_s)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        os.environ["OPENROUTER_BASE_URL"] = server.stdout.readline().strip()
        os.environ["OPENROUTER_API_KEY"] = "bench"
        asyncio.run(_compare([int(n) for n in chosen.at.split(",")], 3 * chosen.call_s))
    finally:
        server.kill()
        server.wait()


async def _compare(loads: list[int], critical_s: float) -> None:
    table = Table("at once", "arm", "wall s", "over critical path", "runs/s", "of bare LangGraph")
    for load in loads:
        found = await _measured(load)
        walls = {name: statistics.median(times) for name, times in found.items()}
        for name, wall in walls.items():
            table.add_row(
                str(load),
                name,
                f"{wall:.3f}",
                f"{wall / critical_s:.3f}",
                f"{load / wall:.1f}",
                f"{walls['bare LangGraph'] / wall:.2f}",
            )
    Console().print(table)


async def _measured(load: int) -> dict[str, list[float]]:
    """Wall seconds of `load` runs at once; the arms in turn, the first round not counted."""
    found: dict[str, list[float]] = {name: [] for name in ARMS}
    for round in range(ROUNDS + 1):
        for name, arm in ARMS.items():
            async with arm() as once:
                await once()
                wall = await _wall(once, load)
            if round:
                found[name].append(wall)
    return found


async def _wall(once: Once, load: int) -> float:
    began = time.perf_counter()
    await asyncio.gather(*(once() for _ in range(load)))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
