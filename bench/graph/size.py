"""How much of everything is measured."""

from dataclasses import dataclass

QUICKLY = "constant:0.01"
"""Latency while the arms get ready."""


@dataclass(frozen=True)
class Size:
    """How much of everything: the whole takes about 25 minutes, a quick one minutes."""

    call_s: float = 0.5
    rounds: int = 3
    singles: int = 5
    """Single runs, of which the median counts."""
    each: int = 3
    """Runs that each of several clients makes, one after the other."""
    loads: tuple[int, ...] = (1, 10, 50, 200)
    tail_runs: int = 240
    tail_at: int = 24
    waiting: int = 200
    flat_runs: int = 1000


QUICK = Size(rounds=1, singles=3, each=1, loads=(1, 50), tail_runs=72, waiting=50, flat_runs=200)
