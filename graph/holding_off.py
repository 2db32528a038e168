"""Leave a provider alone for as long as it asked: one count for all seats of a run."""

import time

from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.ref import ModelRef


class HoldingOff:
    """Until when no call should go to a provider, or to one model of it."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, ref: ModelRef, fault: Fault, wait_s: float) -> None:
        """Keep everybody back for `wait_s`, if that is what the fault means.

        A router that passes on one vendor's limit speaks of that model only.
        """
        if fault.reason != "rate_limited" and fault.retry_after_s is None:
            return
        whom = str(ref) if fault.upstream else ref.provider
        self._until[whom] = max(self._until.get(whom, 0.0), time.monotonic() + wait_s)

    def seconds(self, ref: ModelRef) -> float:
        """How long a call to this model should still wait; 0 when it may start."""
        if not self._until:
            return 0.0
        until = max(self._until.get(ref.provider, 0.0), self._until.get(str(ref), 0.0))
        return max(0.0, until - time.monotonic())
