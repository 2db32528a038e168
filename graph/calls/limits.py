"""Time and money of one run, shared out over its stages."""

import time

from langgraph_fusion.graph.calls.budget import Budget
from langgraph_fusion.graph.calls.deadline import Schedule
from langgraph_fusion.graph.calls.stages import share
from langgraph_fusion.graph.records import Stage
from langgraph_fusion.graph.settings import UnknownCost

_SOFT = 0.8
"""Part of a member's time after which it writes its answer without tools."""


class Limits:
    """When each stage of a run has to end, and what may still be spent."""

    def __init__(
        self,
        deadline_s: float,
        budget_usd: float | None,
        unknown_cost: UnknownCost = "refuse",
        shared: Budget | None = None,
    ) -> None:
        """`shared` is a spend cap that this run shares with others."""
        self.began = time.monotonic()
        self.budget = shared or Budget(budget_usd, unknown_cost)
        self._deadline_s = deadline_s

    @property
    def capped(self) -> bool:
        return self.budget.cap_usd is not None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began, or was resumed."""
        return time.monotonic() - self.began

    def ends(self, stage: Stage, round: int) -> float:
        """`time.monotonic()` at which this stage has to be over."""
        return self.began + self._deadline_s * share(stage, round)

    def left(self, stage: Stage, round: int) -> float:
        """Seconds this stage still has; 0 when its time is over."""
        return max(0.0, self.ends(stage, round) - time.monotonic())

    def schedule(self, stage: Stage, round: int, parts: int = 1) -> Schedule:
        """When a member that starts this stage now has to write.

        Of the time that is left it has one of so many equal parts.
        """
        now, end = time.monotonic(), self.ends(stage, round)
        end = now + max(0.0, end - now) / parts
        return Schedule(now + _SOFT * max(0.0, end - now), end)

    def allows(self, stage: Stage, round: int) -> bool:
        """Whether this stage could still start."""
        return self.left(stage, round) >= 1.0 and self.budget.left(share(stage, round))
