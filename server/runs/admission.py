"""How many deliberations run at the same time, and how many requests may wait for their turn."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langgraph_fusion.server.errors import ApiError

_FIRST_GUESS_S = 30.0
"""Length of a run until one has been seen; only `Retry-After` uses it."""
_WEIGHT = 0.2
"""Of the latest run in the usual length."""


class Admission:
    """First come, first served. For one event loop only, hence without locks."""

    def __init__(self, max_runs: int, queue: int) -> None:
        self._max_runs = max_runs
        self._room = max_runs + queue
        self._turns = asyncio.Semaphore(max_runs)
        self._usual_s = _FIRST_GUESS_S
        self.admitted = 0
        self.running = 0

    @property
    def waiting(self) -> int:
        """Admitted requests whose turn has not come."""
        return self.admitted - self.running

    def enter(self) -> "Slot":
        """Take a slot, running or in the queue; it must be left.

        Raises:
            ApiError: 429 with `Retry-After`, when both are full.
        """
        if self.admitted >= self._room:
            raise ApiError(
                429,
                f"the server is full: {self.running} deliberations run and {self.waiting} wait",
                code="server_full",
                retry_after_s=self._usual_s * (self.waiting + 1) / self._max_runs,
            )
        self.admitted += 1
        return Slot(self)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and run."""
        async with self._turns:
            self.running += 1
            began = time.monotonic()
            try:
                yield
            finally:
                self.running -= 1
                self._usual_s += _WEIGHT * (time.monotonic() - began - self._usual_s)


class Slot:
    """One admitted request."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._left = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn of this request, and leave when it is over."""
        try:
            async with self._admission.turn():
                yield
        finally:
            self.leave()

    def leave(self) -> None:
        """Make room for another request; a second time does nothing."""
        if not self._left:
            self._left = True
            self._admission.admitted -= 1
