"""Our command, a process for every run: what somebody at a terminal waits for."""

import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.graph.arms.base import Arm, Workload
from bench.graph.cast import JUDGE, MEMBERS, QUESTION, WRITER


@asynccontextmanager
async def opened(workload: Workload) -> AsyncIterator[Arm]:
    """Run `fusion ask` as a user would."""
    env = {**os.environ, "OPENROUTER_BASE_URL": workload.base_url, "OPENROUTER_API_KEY": "bench"}
    seats = ["--panel", ",".join(MEMBERS), "--judge", JUDGE, "--writer", WRITER]
    command = [str(Path(sys.executable).with_name("fusion")), "ask", "--quiet", "--tools", "none"]

    async def once() -> None:
        process = await asyncio.create_subprocess_exec(
            *command, *seats, QUESTION, env=env, stdout=asyncio.subprocess.DEVNULL
        )
        if await process.wait():
            raise RuntimeError(f"fusion ask ended with exit code {process.returncode}")

    yield Arm(once, peak_mib=_peak_mib)


def _peak_mib() -> float:
    """Of the largest process that is over; the kernel counts in KiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
