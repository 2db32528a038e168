"""Limits of all processes of a sandbox together: memory, processes, a share of the processor.

Two ways to have them. Where we are root and nobody manages the control groups (a container, a small
system without systemd), a group of our own in each hierarchy; where systemd does, a scope of its
manager, or of our user's. Elsewhere there are none.
"""

import contextlib
import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from langgraph_fusion.sandbox.process_identity import ProcessIdentity, process_scope
from langgraph_fusion.sandbox.settings import SandboxSettings
from langgraph_fusion.sandbox.socket_memory import SOCKET_LIMIT, SOCKETS_MB

MIB = 1 << 20
ROOT = Path("/sys/fs/cgroup")
SYSTEMD = Path("/run/systemd/system")
CONTROLLERS = ("memory", "pids", "cpu")
SPARES_THE_OTHERS = 253
"""Version of systemd from which a delegated scope outlives a process that the kernel killed for its
memory (systemd.scope(5), `OOMPolicy=`); those before stop the whole scope."""
PREFIX = "fusion-bubblewrap-"
PERIOD_US = 100_000
REMOVE_TRIES = 100
REMOVE_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class Groups:
    """The control groups of one sandbox."""

    before: tuple[str, ...] = ()
    """What comes before the command that is to be in them."""
    joined: tuple[Path, ...] = ()
    """Those it has to join by itself, and that are to be removed afterwards."""
    shown: tuple[tuple[str, str], ...] = ()
    """A directory of this machine, as a shell finds it, and where it is below /sys/fs/cgroup."""

    def remove(self) -> None:
        """Remove what was made, once the last process has left it."""
        for group in self.joined:
            for _ in range(REMOVE_TRIES):
                try:
                    group.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(REMOVE_PAUSE_S)
                else:
                    break


MakeGroups = Callable[[SandboxSettings], Groups]


def find_groups() -> MakeGroups | None:
    """How to have groups here; None where they cannot be had."""
    if SYSTEMD.is_dir():
        return scope if _manager_holds() else None
    if os.getuid() != 0:
        return None
    remove_abandoned_groups()
    try:
        own_groups(SandboxSettings()).remove()
    except OSError:
        return None
    return own_groups


def scope(settings: SandboxSettings) -> Groups:
    """A scope of systemd, which removes it when it is empty."""
    manager = () if os.getuid() == 0 else ("--user",)
    properties = {
        "MemoryMax": settings.memory_mb * MIB,
        "MemorySwapMax": 0,
        "TasksMax": settings.max_processes,
        "CPUQuota": f"{settings.cpus * 100:g}%",
        "Delegate": "yes",  # see SPARES_THE_OTHERS
    }
    before = (
        *("systemd-run", *manager, "--scope", "--quiet", "--collect"),
        f"--unit={PREFIX}{secrets.token_hex(8)}",
        *(f"--property={name}={value}" for name, value in properties.items()),
        "--",
    )
    return Groups(before, shown=((f"{ROOT}$(sed -n s/^0:://p /proc/self/cgroup)", "."),))


def stops_all_for_one() -> bool:
    """Whether the scope's manager ends every process when one has used too much memory."""
    told = subprocess.run(["systemd-run", "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"systemd (\d+)", told.stdout)
    return version is None or int(version[1]) < SPARES_THE_OTHERS


def own_groups(settings: SandboxSettings) -> Groups:
    """A group in each hierarchy, below the one we are in.

    Raises:
        OSError: If one cannot be made, or not limited.
    """
    name = f"{PREFIX}{os.getpid()}-{ProcessIdentity.current().started}-{secrets.token_hex(8)}"
    folders = {parent / name: limits for parent, limits in _parents(settings).items()}
    made = Groups(joined=tuple(folders))
    try:
        for group, limits in folders.items():
            group.mkdir()
            for file, value in limits.items():
                (group / file).write_text(str(value))
            for file in OPTIONAL.keys() & {entry.name for entry in group.iterdir()}:
                (group / file).write_text(str(OPTIONAL[file] or settings.memory_mb * MIB))
    except OSError:
        made.remove()
        raise
    seen = _seen_as(folders)
    return Groups(joined=made.joined, shown=tuple((str(group), seen[group]) for group in folders))


# Files that not every kernel has, and what they get; None is the memory's own limit.
OPTIONAL = {
    "memory.swap.max": "0",
    "memory.memsw.limit_in_bytes": None,
    SOCKET_LIMIT: str(SOCKETS_MB * MIB),
}


def _parents(settings: SandboxSettings) -> dict[Path, dict[str, object]]:
    """The groups we are in, and what limits one below them."""
    memory = settings.memory_mb * MIB
    quota = round(settings.cpus * PERIOD_US)
    own = _own_paths()
    if (ROOT / "cgroup.controllers").exists():
        parent = ROOT / own[""].lstrip("/")
        limits = {"memory.max": memory, "pids.max": settings.max_processes}
        return {parent: limits | {"cpu.max": f"{quota} {PERIOD_US}"}}
    of_each: dict[str, dict[str, object]] = {
        "memory": {"memory.limit_in_bytes": memory},
        "pids": {"pids.max": settings.max_processes},
        "cpu": {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota},
    }
    if missing := of_each.keys() - own.keys():
        raise FileNotFoundError(f"no control group for {', '.join(sorted(missing))}")
    return {ROOT / name / own[name].lstrip("/"): limits for name, limits in of_each.items()}


def _seen_as(groups: Iterable[Path]) -> dict[Path, str]:
    """Where below /sys/fs/cgroup the supervisor looks for each."""
    if (ROOT / "cgroup.controllers").exists():
        return dict.fromkeys(groups, ".")
    return {group: group.relative_to(ROOT).parts[0] for group in groups}


def _own_paths() -> dict[str, str]:
    """Our group by controller; by the empty name in the unified hierarchy."""
    own = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        own.update(dict.fromkeys(names.split(","), path))
    return own


def _manager_holds() -> bool:
    """Whether systemd's manager of ours may limit what we need; only with the unified hierarchy."""
    uid = os.getuid()
    ours = ROOT if uid == 0 else ROOT / f"user.slice/user-{uid}.slice/user@{uid}.service"
    try:
        controllers = (ours / "cgroup.controllers").read_text().split()
    except OSError:
        return False
    return set(CONTROLLERS) <= set(controllers)


def remove_abandoned_groups() -> None:
    """Remove the groups of applications that are known to be gone; one in use cannot be removed."""
    with contextlib.suppress(OSError):
        for parent in _parents(SandboxSettings()):
            for group in parent.glob(f"{PREFIX}*"):
                pid, started, _ = group.name.removeprefix(PREFIX).split("-")
                owner = ProcessIdentity(process_scope(), int(pid), started)
                if owner.is_alive() is False:
                    with contextlib.suppress(OSError):
                        group.rmdir()
