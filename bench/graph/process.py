"""CPU and memory of a process and those it has waited for, as Linux counts them."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20


@dataclass(frozen=True)
class Used:
    """What a process has used so far."""

    cpu_s: float
    """User and system, children included that have ended."""
    rss_mib: float
    peak_mib: float


def used_by(pid: int) -> Used:
    """Read /proc; CPU comes in hundredths of a second."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return Used(
        cpu_s=sum(map(int, stat[11:15])) / _TICKS,
        rss_mib=int(status["VmRSS"].split()[0]) / 1024,
        peak_mib=int(status["VmHWM"].split()[0]) / 1024,
    )
