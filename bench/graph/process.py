"""CPU and memory of a process and its children, as Linux counts them."""

import os
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Used:
    """What a process and its children have used so far."""

    cpu_s: float
    """User and system, children included that have ended."""
    rss_mib: float

    def __add__(self, other: "Used") -> "Used":
        return Used(self.cpu_s + other.cpu_s, self.rss_mib + other.rss_mib)


def used_by(pid: int) -> Used:
    """Read /proc; CPU comes in hundredths of a second."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = Used(cpu_s=sum(map(int, stat[11:15])) / _TICKS, rss_mib=int(stat[21]) * _PAGE / MIB)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum((used_by(int(child)) for child in children), start=own)
