"""A server under abuse: how long `/healthz` takes meanwhile, and what it costs in memory.

    python -m bench.abuse                          # a few minutes
    python -m bench.abuse --only silent "json bombs" --stacks

The server is `fusion serve` with the offline preset, which needs no network and no keys. A process
of its own asks `/healthz` on a new connection twenty times a second and reads the memory. Where
there are two processors or more, the last one is the server's alone, as far as we can say it.

`/healthz` is the time on the wire, in which everything else that runs here has its part. "Loop" is
measured inside: how late the event loop was, and the most that it computed by itself between two
looks at the clock; what is late beyond that has waited for another thread or for the processor.
"""

import argparse
import asyncio
import json
import re
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from math import nan
from os import environ, sched_getaffinity, sched_setaffinity
from pathlib import Path
from statistics import quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.abuse.scenarios import SCENARIOS, Scenario
from bench.abuse.watch import memory_mib

_SETTLE_S = 2.0
"""For clients that have gone to be noticed."""


def main() -> None:
    how = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=how)
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--limit-files", type=int, default=1024, help="as `ulimit -n`")
    parser.add_argument("--stacks", action="store_true", help="print what held the loop")
    chosen = parser.parse_args()
    table = Table("scenario", "healthz p50 ms", "p99 ms", "longest ms", "no answer",
                  "loop p99 ms", "longest ms", "most own work ms",
                  "MiB before", "at most", "after", "requests ended")  # fmt: skip
    _leave_the_last_processor()
    asyncio.run(_measure(chosen, table))
    Console(width=None if sys.stdout.isatty() else 170).print(table)


async def _measure(chosen: argparse.Namespace, table: Table) -> None:
    for name in chosen.only:
        async with _server(chosen.limit_files, SCENARIOS[name]) as server:
            row = (name, *await _watched(SCENARIOS[name], server))
        table.add_row(*row)
        print("; ".join(row), file=sys.stderr, flush=True)
        for stack, times in server.loop["stacks"][: 12 if chosen.stacks else 0]:
            print(f"  {times} x {stack}", file=sys.stderr, flush=True)


async def _watched(scenario: Scenario, server: "_Server") -> list[str]:
    pid = server.process.pid
    before = memory_mib(pid)
    watcher = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.abuse.watch",
        str(server.port),
        str(pid),
        stdin=PIPE,
        stdout=PIPE,
    )
    ended = await scenario.abuse(server.port, *server.keys)
    await asyncio.sleep(_SETTLE_S)
    said, _ = await watcher.communicate(b"")
    samples = [json.loads(line) for line in said.splitlines()]
    times = [ms for ms, _ in samples if ms is not None]
    most = max(memory for _, memory in samples)
    shares = _percentiles(times)
    loop = await server.read_loop()
    figures = [
        *(shares[49], shares[98], max(times, default=nan), len(samples) - len(times)),
        *(_percentiles(loop["lags_ms"])[98], max(loop["lags_ms"]), max(loop["own_work_ms"])),
        *(before, most, memory_mib(pid)),
    ]
    return [*(f"{one:.0f}" for one in figures), _summary(ended)]


def _percentiles(times: list[float]) -> list[float]:
    return quantiles(times, n=100, method="inclusive") if len(times) > 1 else [nan] * 99


def _summary(ended: Counter[str]) -> str:
    return ", ".join(f"{number} x {how}" for how, number in sorted(ended.items()))


@dataclass
class _Server:
    process: Process
    port: int
    figures: Path
    keys: Sequence[str]
    loop: dict[str, Any] = field(default_factory=dict)

    async def read_loop(self) -> dict[str, Any]:
        """What the probe has seen until now."""
        self.process.send_signal(signal.SIGUSR1)
        async with asyncio.timeout(300):
            while not self.figures.exists():
                await asyncio.sleep(0.05)
        self.loop = json.loads(self.figures.read_text())
        return self.loop


@asynccontextmanager
async def _server(files: int, scenario: Scenario) -> AsyncIterator[_Server]:
    async with AsyncExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory())
        models = await stack.enter_async_context(_models()) if scenario.has_models else {}
        figures, log = Path(place, "loop.json"), Path(place, "log")
        command = [sys.executable, "-m", "bench.abuse.probe", str(figures), "serve"]
        ring = ["--keys", str(Path(place, "keys.db"))]
        keys = [await _added(name, ring) for name in scenario.keys]
        with log.open("w") as written:  # a pipe that we are too busy to read would hold it up
            process = await asyncio.create_subprocess_exec(
                *("sh", "-c", f'ulimit -n {files}; exec "$@"', "sh"),
                *(*command, "-p", "offline", "--port", "0", "--models", "*"),
                *("--runs", str(Path(place, "runs.db")) if scenario.stores else "off"),
                *(ring if keys else ()),
                stderr=written, stdout=DEVNULL,
                env=dict(environ) | {"XDG_CACHE_HOME": place} | models,
                preexec_fn=_take_the_last_processor,
            )  # fmt: skip
        try:
            yield _Server(process, await _port(log), figures, keys)
        finally:
            process.kill()
            await process.wait()


@asynccontextmanager
async def _models() -> AsyncIterator[dict[str, str]]:
    """Variables that lead to a model server whose replies are huge."""
    command = [sys.executable, "-m", "bench.abuse.huge_models"]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().strip()
    try:
        yield {"OPENROUTER_BASE_URL": address, "OPENROUTER_API_KEY": "none"}
    finally:
        process.kill()
        await process.wait()


async def _added(name: str, ring: Sequence[str]) -> str:
    """A new key of this name."""
    command = [sys.executable, "-m", "langgraph_fusion.cli", "keys", "add", name, *ring]
    adding = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    said, _ = await adding.communicate()
    return said.decode().split()[-1]


async def _port(log: Path) -> int:
    async with asyncio.timeout(300):
        while not (found := re.search(r"http://[\d.]+:(\d+)/", log.read_text())):
            await asyncio.sleep(0.1)
    return int(found[1])


_PROCESSORS = sorted(sched_getaffinity(0))


def _take_the_last_processor() -> None:
    if len(_PROCESSORS) > 1:
        sched_setaffinity(0, _PROCESSORS[-1:])


def _leave_the_last_processor() -> None:
    if len(_PROCESSORS) > 1:
        sched_setaffinity(0, _PROCESSORS[:-1])


if __name__ == "__main__":
    main()
