"""`fusion` in PID namespaces: its processes know as little of each other as those of hosts."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
_UNSHARE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
_READY_S = 300


@cache
def namespaces() -> tuple[str, ...]:
    """The command that gives a process a PID namespace; empty where that is not permitted."""
    if shutil.which("unshare") is None:
        return ()
    tried = subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False)
    return () if tried.returncode else _UNSHARE


class Fusion:
    """A running `fusion`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Of the command itself, as this process sees it."""
        if not namespaces():
            return self._process.pid
        outer = self._process.pid
        children = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        return int(children[0])

    @property
    def said(self) -> str:
        """What it has written to standard error."""
        return self._log.read_text(errors="replace")

    async def said_like(self, pattern: str) -> str:
        """Wait until it has said this; returns the first group.

        Raises:
            RuntimeError: If it ends before it has.
        """
        async with asyncio.timeout(_READY_S):
            while not (found := re.search(pattern, self.said)):
                if self._process.returncode is not None:
                    raise RuntimeError(f"fusion ended: {self.said[-2000:]}")
                await asyncio.sleep(0.02)
        return found[1]

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the command itself."""
        os.kill(self.pid, number)

    async def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        if self._process.returncode is None:
            self.send(signal.SIGKILL)
        await self._process.wait()


@asynccontextmanager
async def fusion(env: Mapping[str, str], *arguments: str) -> AsyncIterator[Fusion]:
    """Run `fusion ARGUMENTS` for the length of the block, at whose end it is killed."""
    with tempfile.TemporaryDirectory(prefix="fusion-bench-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as written:
            process = await asyncio.create_subprocess_exec(
                *_DIES_WITH_US, *namespaces(), Path(sys.executable).with_name("fusion"),
                *arguments, env=env, stdin=DEVNULL, stdout=DEVNULL, stderr=written,
                start_new_session=True,
            )  # fmt: skip
        started = Fusion(process, log)
        try:
            yield started
        finally:
            await asyncio.shield(_ended(process, started))


async def _ended(process: asyncio.subprocess.Process, started: Fusion) -> None:
    if process.returncode is None:
        try:
            started.send(signal.SIGKILL)
        except (OSError, IndexError):  # it has just ended, or not begun
            process.kill()
    await process.wait()
