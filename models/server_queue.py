"""Calls wait for their turn at a server that works on few at a time.

The queue is the process's: runs in other event loops and threads stand in it as well. Calls are
taken in the order in which they came, except that calls for the model that the server has loaded go
first, so that it need not load another for each: nobody is overtaken more than a few times.

Not covered: other processes that use the same server.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_OVERTAKEN = 8
"""How many calls for a loaded model may go before one that came earlier. Ours."""


@dataclass(eq=False)
class _Waiter:
    model: str
    loop: asyncio.AbstractEventLoop
    turn: asyncio.Future[None]
    overtaken: int = field(default=0)

    def call(self) -> bool:
        """Tell its loop; False if that is closed."""
        try:
            self.loop.call_soon_threadsafe(self._set)
        except RuntimeError:
            return False
        return True

    def _set(self) -> None:
        if not self.turn.done():
            self.turn.set_result(None)


class ServerQueue:
    """Who is at work at a server, and who waits."""

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._limit = limit
        self._at_work = 0
        self._loaded: str | None = None
        """The model of the last call that began."""
        self._waiting: list[_Waiter] = []

    @property
    def limit(self) -> int:
        """Calls that the server works on at a time."""
        return self._limit

    def set_limit(self, limit: int) -> None:
        """Take another limit, which holds for the calls that begin from now on."""
        with self._lock:
            self._limit = limit
            self._call_next()

    async def take(self, model: str, on_wait: Callable[[int], None]) -> float:
        """Wait for a turn, which `leave` gives back; returns the seconds that it took.

        `on_wait` is called when there is no turn at once, with the number of those before it.
        """
        began = time.monotonic()
        waiter, ahead = self._enter(model)
        if waiter is None:
            return 0.0
        try:
            on_wait(ahead)
            await waiter.turn
        except BaseException:
            self._give_up(waiter)
            raise
        return time.monotonic() - began

    def leave(self) -> None:
        """Give a turn back."""
        with self._lock:
            self._at_work -= 1
            self._call_next()

    def _enter(self, model: str) -> tuple[_Waiter | None, int]:
        with self._lock:
            if self._at_work < self._limit and not self._waiting:
                self._at_work += 1
                self._loaded = model
                return None, 0
            loop = asyncio.get_running_loop()
            waiter = _Waiter(model, loop, loop.create_future())
            self._waiting.append(waiter)
            return waiter, self._at_work + len(self._waiting) - 1

    def _give_up(self, waiter: _Waiter) -> None:
        """Leave the queue, or give back the turn that came at the same moment."""
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                return
            self._at_work -= 1
            self._call_next()

    def _call_next(self) -> None:
        while self._waiting and self._at_work < self._limit:
            waiter = self._next()
            self._waiting.remove(waiter)
            if waiter.call():
                self._at_work += 1
                self._loaded = waiter.model

    def _next(self) -> _Waiter:
        first = self._waiting[0]
        same = next((one for one in self._waiting if one.model == self._loaded), first)
        if same is first or first.overtaken >= MOST_OVERTAKEN:
            return first
        for passed in self._waiting[: self._waiting.index(same)]:
            passed.overtaken += 1
        return same
