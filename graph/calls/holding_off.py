"""Rate limits of providers, shared by all seats of a run: who must not be called until when."""

import time

from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef

MOST_SHARED_S = 60.0
"""How long other models of the provider wait: limits are often a model's own, windows a minute."""


class HoldingOff:
    """Until when a model, and its provider's other models, must not be called."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, ref: ModelRef, fault: Fault, wait_s: float) -> None:
        """Hold all seats off for `wait_s`, if the fault is a rate limit.

        A router that passes on one vendor's limit speaks of that model only.
        """
        if fault.reason != "rate_limited" and fault.retry_after_s is None:
            return
        self._hold(str(ref), wait_s)
        if not fault.upstream:
            self._hold(_shared(ref), min(wait_s, MOST_SHARED_S))

    def own_s(self, ref: ModelRef) -> float:
        """Seconds that this model itself has asked to wait from now."""
        return self._left(str(ref))

    def seconds(self, ref: ModelRef) -> float:
        """How long a call to this model should still wait; 0 when it may start."""
        return max(self.own_s(ref), self._left(_shared(ref))) if self._until else 0.0

    def _hold(self, whom: str, wait_s: float) -> None:
        self._until[whom] = max(self._until.get(whom, 0.0), time.monotonic() + wait_s)

    def _left(self, whom: str) -> float:
        return max(0.0, self._until.get(whom, 0.0) - time.monotonic())


def _shared(ref: ModelRef) -> str:
    """The scope of a limit: OpenRouter counts its free models apart from all others."""
    free = ref.name.endswith(":free")
    return f"{ref.provider} free" if free else ref.provider
