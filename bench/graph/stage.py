"""The processes of a measurement: the model server, and a worker for every arm."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from typing import Any
from urllib.request import Request, urlopen

from bench.graph.arms import OURS
from bench.graph.arms.base import Workload

Workers = dict[str, "Worker"]


class Worker:
    """The near end of an arm's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, what: str, **how: Any) -> Any:
        """Send a command and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **how}).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> Any:
        """Read one answer; RuntimeError if the process ended instead."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("an arm ended early; what it said is above")
        return json.loads(line)

    async def end(self) -> None:
        """Close its input, at which it leaves; else kill it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Server:
    """The near end of the model server."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def set(self, latency: str, seed: int = 1) -> None:
        """Choose how long calls take from now on."""
        await asyncio.to_thread(self._get, f"/set?latency={latency}&seed={seed}", "POST")

    async def counts(self) -> dict[str, float]:
        """Calls, tokens and CPU seconds so far."""
        return dict(json.loads(await asyncio.to_thread(self._get, "/counts")))

    def _get(self, path: str, method: str = "GET") -> bytes:
        with urlopen(Request(self.url + path, method=method)) as response:
            return bytes(response.read())


@asynccontextmanager
async def model_server() -> AsyncIterator[Server]:
    """Start the model server for the length of the block."""
    process = await _started("bench.graph.server")
    assert process.stdout is not None
    try:
        yield Server((await process.stdout.readline()).decode().strip())
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def workers(labels: Sequence[str], workload: Workload) -> AsyncIterator[Workers]:
    """Start the arms, our own first: the others repeat what it asked."""
    async with AsyncExitStack() as stack:
        found: Workers = {}
        for label in sorted(labels, key=lambda label: label != OURS):
            process = await _started("bench.graph.worker", label, json.dumps(asdict(workload)))
            found[label] = Worker(process)
            stack.push_async_callback(found[label].end)
            await found[label].answer()
        yield {label: found[label] for label in labels}


async def _started(module: str, *arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=pipe, stdout=pipe, limit=1 << 24
    )
