"""Cut off the late members of a round once enough have answered.

LangGraph's superstep waits for every member, so none can be left behind from outside; each has to
return by itself. When the quorum is reached, those still at work are told to write with what they
have (their tools are gone at the next turn), and `grace_s` seconds later their time limit ends.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from langgraph_fusion.graph.calls.deadline import Schedule


class Quorum:
    """One round's count of answers; `needed` None waits for everybody."""

    def __init__(self, needed: int | None, grace_s: float) -> None:
        self.reached = False
        self._missing = needed
        self._grace_s = grace_s
        self._at_work: dict[asyncio.Timeout, Schedule] = {}

    @contextmanager
    def working(self, schedule: Schedule, limit: asyncio.Timeout) -> Iterator[None]:
        """Shorten a member's limit and schedule if the quorum is reached while it works."""
        self._at_work[limit] = schedule
        try:
            yield
        finally:
            del self._at_work[limit]

    def answered(self) -> None:
        """Count an answer; a failed member's does not count."""
        if self._missing is None or self.reached:
            return
        self._missing -= 1
        if self._missing <= 0:
            self._close()

    def _close(self) -> None:
        self.reached = True
        end = asyncio.get_running_loop().time() + self._grace_s
        for limit, schedule in self._at_work.items():
            schedule.wrap_up(self._grace_s)
            if not limit.expired():
                limit.reschedule(min(end, limit.when() or end))
