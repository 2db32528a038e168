"""Threads for the work that a large body or a schema takes before a run is admitted.

Two threads, and one job of each key at a time: whoever sends many waits for himself. The event
loop goes on meanwhile, because Python's threads change places every few milliseconds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
LARGE = 1 << 16
"""Bytes of a body above which it is parsed and checked in a thread."""
_THREADS = 2


@dataclass
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


class BodyThreads:
    """The threads of one server process. For one event loop only."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="body")
        self._turns: dict[str | None, _Turn] = {}

    @property
    def waiting(self) -> int:
        """Jobs that are done or wait for their turn."""
        return sum(turn.wanted for turn in self._turns.values())

    async def run(
        self, client: str | None, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `work` returns, or raise what it raises, after this client's turn."""
        async with self._turn(client):
            loop, context = asyncio.get_running_loop(), copy_context()
            call = partial(work, *args, **kwargs)
            doing = loop.run_in_executor(self._threads, lambda: context.run(call))
            try:
                return await asyncio.shield(doing)
            except asyncio.CancelledError:  # the turn is over when the thread is free again
                await asyncio.wait({doing})
                raise

    @asynccontextmanager
    async def _turn(self, client: str | None) -> AsyncIterator[None]:
        turn = self._turns.setdefault(client, _Turn())
        turn.wanted += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                del self._turns[client]
