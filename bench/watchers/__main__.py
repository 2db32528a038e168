"""What it costs a server to have a run watched: CPU for one run with 0, 1, 50 and 200 watchers.

    python -m bench.watchers
    python -m bench.watchers --watchers 1 --repeat 50

Every watcher reads `/v1/runs/{id}/events` from the run's first event to its last. The server is
`fusion serve` over a model server that answers after half a second; the numbers of watchers take
turns, so that a change of the machine's load meets them all. Linux counts CPU in hundredths of a
second, hence the mean of many runs.
"""

import argparse
import asyncio
from statistics import mean

import aiohttp
from rich.console import Console
from rich.table import Table

from bench.graph.arms.base import Workload
from bench.graph.arms.fusion_http import ASKED, served
from bench.graph.process import used_by
from bench.graph.stage import model_server


def main() -> None:
    how = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=how)
    parser.add_argument("--watchers", nargs="+", type=int, default=[1, 50, 200])
    parser.add_argument("--agentic", action="store_true", help="members make five tool calls each")
    parser.add_argument("--repeat", type=int, default=10, help="runs for each number of watchers")
    chosen = parser.parse_args()
    used = asyncio.run(_measure([0, *chosen.watchers], chosen.repeat, agentic=chosen.agentic))
    base = mean(used[0])
    table = Table("watchers", "CPU s of the server for a run", "ratio", "% of the run per watcher")
    for watchers, seconds in used.items():
        ratio = mean(seconds) / base
        each = f"{100 * (ratio - 1) / watchers:.2f}" if watchers else ""
        table.add_row(str(watchers), f"{mean(seconds):.4f}", f"{ratio:.3f}", each)
    Console().print(table)


async def _measure(counts: list[int], repeat: int, *, agentic: bool) -> dict[int, list[float]]:
    used: dict[int, list[float]] = {count: [] for count in counts}
    async with model_server() as models:
        await models.set("constant:0.5")
        workload = Workload(models.url, agentic=agentic)
        async with (
            served(workload) as (url, pid),
            aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as session,
        ):
            for _ in range(3):  # what is loaded once
                await _run(session, 1)
            for _ in range(repeat):
                for count in counts:
                    before = used_by(pid).cpu_s
                    await _run(session, count)
                    used[count].append(used_by(pid).cpu_s - before)
    return used


async def _run(session: aiohttp.ClientSession, watchers: int) -> None:
    async with session.post("/v1/runs", json=ASKED) as response:
        response.raise_for_status()
        run = f"/v1/runs/{(await response.json())['id']}"
    await asyncio.gather(*(_watch(session, run) for _ in range(watchers)))
    while await _status(session, run) in ("queued", "running"):
        await asyncio.sleep(1)


async def _watch(session: aiohttp.ClientSession, run: str) -> None:
    async with session.get(f"{run}/events") as response:
        response.raise_for_status()
        async for line in response.content:
            if line == b"event: run.finished\n":
                return
    raise RuntimeError("the events ended before the run")


async def _status(session: aiohttp.ClientSession, run: str) -> str:
    async with session.get(run) as response:
        return str((await response.json())["status"])


if __name__ == "__main__":
    main()
