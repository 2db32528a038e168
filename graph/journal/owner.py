"""Which process works on a run, and whether it still lives."""

import os
import time
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

BEAT_S = 30.0
"""How often a process says that it still works on its runs."""
_SILENT_S = 4 * BEAT_S
"""After so long without a word, a process on another machine counts as gone."""


class Owner(BaseModel):
    """A process. A new one with the same number has another `started`."""

    model_config = ConfigDict(frozen=True)

    machine: str
    pid: int
    started: str

    @classmethod
    def me(cls) -> "Owner":
        """The process this runs in."""
        return cls(machine=_machine(), pid=os.getpid(), started=_started(os.getpid()))

    def lives(self, seen_at: float) -> bool:
        """Whether the process lives; `seen_at` is its last word, in seconds of the epoch."""
        if self.machine != _machine():
            return time.time() - seen_at < _SILENT_S
        return bool(self.started) and _started(self.pid) == self.started


@cache
def _machine() -> str:
    """Where process numbers mean the same: one boot of one machine, one container on it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux: nothing is known of other processes but their last word
        return f"pid {os.getpid()} of {os.uname().nodename if hasattr(os, 'uname') else ''}"


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return str(pid) if pid == os.getpid() else ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]
