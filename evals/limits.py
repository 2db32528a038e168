"""How much an evaluation may do and spend, and how long it waits for people."""

from dataclasses import dataclass
from typing import Literal

BY_HAND_S = 3600.0
"""Seconds that a person, or a model in a queue, may take for a reply."""


@dataclass(frozen=True)
class Limits:
    """How much an evaluation may do at once, and spend."""

    budget_usd: float | None = None
    unknown_cost: Literal["refuse", "worst_case", "ignore"] = "refuse"
    tasks: int = 4
    """Tasks side by side."""
    runs: int = 8
    """Runs of the graph side by side."""
    verdicts: int = 16
    """Calls of the judge side by side."""
    by_hand: bool = False
    """Whether people answer at the seats: replies may take an hour."""
