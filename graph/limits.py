"""Time and money of one run, shared out over its stages.

A stage may use the run's deadline and budget only up to its share, so that a slow or costly panel
leaves enough for the judge and the writer. The shares are ours, not measured; a stage that needs
less leaves the rest to those after it.
"""

import time

from langgraph_fusion.graph.records import Stage

_SHARES: dict[Stage, tuple[float, float]] = {  # first time, after a follow-up round
    "panel": (0.60, 0.60),
    "judge": (0.70, 0.90),
    "follow_up": (0.82, 0.82),
    "synthesizer": (1.0, 1.0),
}
_SOFT = 0.8
"""Part of a member's time after which it writes its answer without tools."""


class BudgetReached(Exception):
    """A call was not started because it might have passed the spend cap."""


class Limits:
    """When each stage of a run has to end, and what may still be spent."""

    def __init__(self, deadline_s: float, budget_usd: float | None) -> None:
        self.began = time.monotonic()
        self._deadline_s = deadline_s
        self._budget_usd = budget_usd
        self._spent_usd = 0.0

    @property
    def capped(self) -> bool:
        return self._budget_usd is not None

    def ends(self, stage: Stage, round: int) -> float:
        """`time.monotonic()` at which this stage has to be over."""
        return self.began + self._deadline_s * _share(stage, round)

    def left(self, stage: Stage, round: int) -> float:
        """Seconds this stage still has; 0 when its time is over."""
        return max(0.0, self.ends(stage, round) - time.monotonic())

    def soft_end(self, stage: Stage, round: int) -> float:
        """`time.monotonic()` from which a member that starts this stage now should wrap up."""
        now = time.monotonic()
        return now + _SOFT * max(0.0, self.ends(stage, round) - now)

    def reserve(self, worst_usd: float, stage: Stage, round: int) -> None:
        """Set aside the worst case of a call before it is made.

        Raises:
            BudgetReached: If it might pass this stage's share of the cap.
        """
        if self._budget_usd is None:
            return
        if self._spent_usd + worst_usd > self._budget_usd * _share(stage, round):
            raise BudgetReached(f"a call worth up to ${worst_usd:.4f} might pass the spend cap")
        self._spent_usd += worst_usd

    def settle(self, worst_usd: float, actual_usd: float | None) -> None:
        """Replace the worst case by the actual cost; an unknown one keeps counting as the worst."""
        if actual_usd is not None:
            self._spent_usd += actual_usd - worst_usd

    def allows_follow_ups(self, round: int) -> bool:
        """Whether a further round of questions could still start; `round` is that round."""
        if self.left("follow_up", round) < 1.0:
            return False
        cap = self._budget_usd
        return cap is None or self._spent_usd < cap * _share("follow_up", round)


def _share(stage: Stage, round: int) -> float:
    return _SHARES[stage][1 if round else 0]
