"""How far an evaluation has come."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Progress:
    """Counts that only go up; `changed` is called after each change."""

    tasks: int = 0
    tasks_done: int = 0
    runs: int = 0
    """Runs of the graph that were made now, not taken from the store."""
    verdicts: int = 0
    bought: int = 0
    """Verdicts that were asked for now."""
    usd: float = 0.0
    """Known cost of the calls that were made now."""
    unknown_calls: int = 0
    """Calls among them whose cost is not known."""
    changed: Callable[[], None] = lambda: None

    def run_ended(self, what: str) -> None:
        self.runs += 1
        self.changed()

    def graded(self, number: int, bought: bool) -> None:
        self.verdicts += number
        self.bought += number if bought else 0
        self.changed()

    def task_ended(self) -> None:
        self.tasks_done += 1
        self.changed()

    def paid(self, usd: float | None) -> None:
        if usd is None:
            self.unknown_calls += 1
        else:
            self.usd += usd
        self.changed()
