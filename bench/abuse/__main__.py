"""A server under abuse: how long `/healthz` takes meanwhile, and what it costs in memory.

    python -m bench.abuse                          # a few minutes
    python -m bench.abuse --only silent "json bombs"

The server is `fusion serve` with the offline preset, which needs no network and no keys. A process
of its own asks `/healthz` on a new connection twenty times a second and reads the memory.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from os import environ
from statistics import quantiles

from rich.console import Console
from rich.table import Table

from bench.abuse.scenarios import SCENARIOS
from bench.abuse.watch import memory_mib

_SETTLE_S = 2.0
"""For clients that have gone to be noticed."""


def main() -> None:
    how = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=how)
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--limit-files", type=int, default=1024, help="as `ulimit -n`")
    chosen = parser.parse_args()
    table = Table("scenario", "healthz p50 ms", "p99 ms", "longest ms", "no answer",
                  "MiB before", "at most", "after", "requests ended")  # fmt: skip
    asyncio.run(_measure(chosen, table))
    Console(width=None if sys.stdout.isatty() else 170).print(table)


async def _measure(chosen: argparse.Namespace, table: Table) -> None:
    for name in chosen.only:
        async with _server(chosen.limit_files) as (port, pid):
            row = (name, *await _watched(name, port, pid))
        table.add_row(*row)
        print("; ".join(row), file=sys.stderr, flush=True)


async def _watched(name: str, port: int, pid: int) -> list[str]:
    before = memory_mib(pid)
    watcher = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.abuse.watch", str(port), str(pid), stdin=PIPE, stdout=PIPE
    )
    ended = await SCENARIOS[name](port)
    await asyncio.sleep(_SETTLE_S)
    said, _ = await watcher.communicate(b"")
    samples = [json.loads(line) for line in said.splitlines()]
    times = [ms for ms, _ in samples if ms is not None]
    most = max(memory for _, memory in samples)
    shares = quantiles(times, n=100) if len(times) > 1 else [float("nan")] * 99
    longest = max(times, default=float("nan"))
    figures = [shares[49], shares[98], longest, len(samples) - len(times), before, most]
    return [*(f"{one:.0f}" for one in (*figures, memory_mib(pid))), _summary(ended)]


def _summary(ended: Counter[str]) -> str:
    return ", ".join(f"{number} x {how}" for how, number in sorted(ended.items()))


@asynccontextmanager
async def _server(files: int) -> AsyncIterator[tuple[int, int]]:
    command = [sys.executable, "-m", "langgraph_fusion.cli", "serve", "-p", "offline"]
    with tempfile.TemporaryDirectory() as place:
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", f'ulimit -n {files}; exec "$@"', "sh"),
            *(*command, "--port", "0", "--runs", "off"),
            stderr=PIPE, stdout=DEVNULL, env=dict(environ) | {"XDG_CACHE_HOME": place},
        )  # fmt: skip
        assert process.stderr is not None
        found = re.search(r"http://[\d.]+:(\d+)/", (await process.stderr.readline()).decode())
        assert found
        log = asyncio.create_task(_drain(process))
        try:
            yield int(found[1]), process.pid
        finally:
            process.kill()
            await process.wait()
            await log


async def _drain(process: Process) -> None:
    """Read the log away: a full pipe would hold the server up."""
    assert process.stderr is not None
    while await process.stderr.read(65_536):
        pass


if __name__ == "__main__":
    main()
