"""The identity of a process, and whether a recorded one is still alive.

A process id and a start time mean the same process only within one boot and one pid namespace, the
scope. Where there is no /proc (macOS, Windows) nothing is known of any process but this one.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


@cache
def process_scope() -> str:
    """Boot id and pid namespace, within which a process id is unambiguous; empty where unknown."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def process_start(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty if it is gone or cannot be seen.

    A zombie counts as gone: it does nothing more.
    """
    try:
        return _start(pid)
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process. A later one with the same id has another `started`."""

    scope: str
    """See `process_scope`."""
    pid: int
    started: str
    """See `process_start`."""

    @staticmethod
    def current() -> "ProcessIdentity":
        """The process this runs in."""
        return _identity_of(os.getpid())

    def is_alive(self) -> bool | None:
        """Whether the process lives; None if that cannot be known from here.

        One that /proc hides (`hidepid=2`, another user) is not taken for dead.
        """
        if not self.scope or self.scope != process_scope() or not self.started:
            return None
        try:
            return _start(self.pid) == self.started
        except PermissionError:
            return None
        except OSError:
            return None if self.pid > 0 and _exists(self.pid) else False


@cache
def _identity_of(pid: int) -> ProcessIdentity:
    """Of a process that lives, read once: a forked one has another number."""
    return ProcessIdentity(process_scope(), pid, process_start(pid))


def _start(pid: int) -> str:
    stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]


def _exists(pid: int) -> bool:
    """Whether a signal would find it; asked on Linux only, where signal 0 does nothing."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
