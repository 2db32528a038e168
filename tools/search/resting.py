"""Search engines that failed are left alone for a while, by all runs of this process."""

import time
from collections.abc import Callable
from functools import cache

from langgraph_fusion.tools.errors import Reason
from langgraph_fusion.tools.search.base import SearchFailure

_REST_S: dict[Reason, float] = {
    "rate_limited": 60.0,
    "timeout": 30.0,
    "unavailable": 30.0,
    "unauthorized": 300.0,
    "insufficient_credits": 300.0,
}
"""Seconds, where the engine names none. Ours."""
_MAX_REST_S = 3600.0
_LASTING = ("unauthorized", "insufficient_credits")
"""What no other query will change: such an engine is not asked even where it is the only one."""


class Resting:
    """Until when an engine is not asked, as long as another one can be."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}
        self._bound: dict[str, tuple[float, SearchFailure]] = {}

    def note(self, engine: str, failure: SearchFailure) -> None:
        """Leave the engine alone for as long as it asked, or for as long as its failure may last.

        A failure of the query itself says nothing about the next one.
        """
        if failure.of_query:
            return
        wait_s = failure.wait_s
        if wait_s is None:
            wait_s = _REST_S.get(failure.reason, 0.0)
        until = self._clock() + min(wait_s, _MAX_REST_S)
        self._until[engine] = max(self._until.get(engine, 0.0), until)
        if failure.wait_s is not None or failure.reason in _LASTING:
            self._bound[engine] = (self._until[engine], failure)

    def answered(self, engine: str) -> None:
        """It works again."""
        self._until.pop(engine, None)
        self._bound.pop(engine, None)

    def rests(self, engine: str) -> bool:
        """Whether another engine should be asked first."""
        return self._until.get(engine, 0.0) > self._clock()

    def bound_by(self, engine: str) -> SearchFailure | None:
        """The failure because of which it must not be called now; None when it may be."""
        until, failure = self._bound.get(engine, (0.0, None))
        return failure if until > self._clock() else None

    def bound_s(self, engine: str) -> float:
        """Seconds for which it must not be called; 0 when it may be."""
        until, _ = self._bound.get(engine, (0.0, None))
        return max(0.0, until - self._clock())


@cache
def resting_engines() -> Resting:
    """Return what all runs of this process share."""
    return Resting()
