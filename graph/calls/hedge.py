"""Hedging: ask a second model when the first is slow to begin; the first to begin is kept."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, T]]


class Race(Generic[K, T]):
    """The first runner, and after `after_s` seconds without a sign of it the second as well.

    A runner that streams says `begins` at its first piece; for others to begin is to be done. The
    loser is cancelled and waited for, and so are both when the race itself is cancelled.
    """

    def __init__(self, runners: Mapping[K, Work[T]], after_s: float) -> None:
        self.winner: K | None = None
        self.failures: dict[K, BaseException] = {}
        """Of those that failed before anybody began."""
        self._runners = dict(runners)
        self._after_s = after_s
        self._begun = asyncio.Event()
        self._since = time.monotonic()
        """When the first runner had its turn."""
        self._has_turn = asyncio.Event()
        self._has_turn.set()
        self._tasks: dict[K, asyncio.Task[T]] = {}

    def begins(self, runner: K) -> bool:
        """Claim the call; False if another runner has it."""
        if self.winner is None:
            self.winner = runner
            self._begun.set()
        return self.winner == runner

    def waits(self) -> None:
        """Stop the time: a call that waits for its turn at a server is not slow."""
        self._has_turn.clear()

    def sends(self) -> None:
        """Count the time anew: the call has its turn."""
        self._since = time.monotonic()
        self._has_turn.set()

    async def run(self, hedged: Callable[[], None]) -> T:
        """Return the winner's result; `hedged` is called when the second one starts.

        Raises:
            Exception: What the winner raised, or the first runner when both failed.
        """
        lead, spare = self._runners
        self._since = time.monotonic()
        begun = asyncio.create_task(self._begun.wait())
        self._tasks[lead] = asyncio.create_task(self._runners[lead]())
        try:
            await self._until_slow(self._tasks[lead], begun)
            if self.winner is None and not self._tasks[lead].done():
                hedged()
                self._tasks[spare] = asyncio.create_task(self._runners[spare]())
            return await self._decided(lead, begun)
        finally:
            await _cancelled([*self._tasks.values(), begun])

    async def _until_slow(self, lead: asyncio.Task[T], begun: asyncio.Task[Any]) -> None:
        """Until the lead begins or ends, or has had `after_s` seconds since it had its turn."""
        while not (lead.done() or begun.done()):
            left_s = self._since + self._after_s - time.monotonic()
            if not self._has_turn.is_set():
                await self._turn_of(lead)
            elif left_s > 0:
                await _first({lead, begun}, left_s)
            else:
                return

    async def _turn_of(self, lead: asyncio.Task[T]) -> None:
        has_turn = asyncio.create_task(self._has_turn.wait())
        try:
            await _first({lead, has_turn}, None)
        finally:
            has_turn.cancel()

    async def _decided(self, lead: K, begun: asyncio.Task[Any]) -> T:
        running = dict(self._tasks)
        while self.winner is None and running:
            await _first({*running.values(), begun}, None)
            for runner in [each for each, task in running.items() if task.done()]:
                error = running.pop(runner).exception()
                if error is None:
                    self.begins(runner)
                elif self.winner != runner:
                    self.failures[runner] = error
        if self.winner is None:
            return await self._tasks[lead]
        await _cancelled([task for each, task in self._tasks.items() if each != self.winner])
        return await self._tasks[self.winner]


async def _first(waiting: set[Any], timeout_s: float | None) -> None:
    await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)


async def _cancelled(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel what still runs and wait until it has cleaned up."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
