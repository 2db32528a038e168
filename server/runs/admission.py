"""How many deliberations run at the same time, how many may wait, and whose turn is next.

Keys take turns: however many requests of one wait, the first of another is next, unless one of them
has a higher priority, which goes before all others as far as its key allows it. And one key can
never hold all places: it may run three quarters of the deliberations and fill half of the queue,
and a key that has nothing under way may always wait with one.
"""

import asyncio
import time
from bisect import insort
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.keys.places import share_of_key

_FIRST_GUESS_S = 30.0
"""Length of a run until one has been seen; only `Retry-After` uses it."""
_WEIGHT = 0.2
"""Of the latest run in the usual length."""
Client = str | None
"""The id of a key; None where no key is asked for, and nobody can be told from others."""


class Admission:
    """The places of one process. For one event loop only, hence without locks."""

    def __init__(self, max_runs: int, queue: int) -> None:
        self._max_runs = max_runs
        self._queue = queue
        self._admitted = Counter[Client]()
        self._running = Counter[Client]()
        self._waiting: OrderedDict[Client, list[_Turn]] = OrderedDict()
        """In the order in which the clients have their next turn."""
        self._usual_s = _FIRST_GUESS_S

    @property
    def admitted(self) -> int:
        """Requests that run or wait."""
        return self._admitted.total()

    @property
    def running(self) -> int:
        return self._running.total()

    @property
    def waiting(self) -> int:
        """Admitted requests whose turn has not come."""
        return self.admitted - self.running

    def enter(self, client: Client = None, priority: int = 0) -> "Slot":
        """Take a slot, running or in the queue; it must be left. High priorities are next.

        Raises:
            ApiError: 429 with `Retry-After`, when the places of the client or of all are taken.
        """
        mine = self._admitted[client]
        if client is not None and mine >= self._runs_of(client) + (self._queue + 1) // 2:
            raise self._full(
                f"{mine} deliberations of this key run or wait, as many as one key may"
            )
        is_first = client is not None and mine == 0 and self._queue > 0
        if self.admitted >= self._max_runs + self._queue and not is_first:
            running, waiting = self.running, self.waiting
            raise self._full(f"the server is full: {running} deliberations run and {waiting} wait")
        self._admitted[client] += 1
        return Slot(self, client, priority)

    def leave(self, client: Client) -> None:
        """Give a slot back."""
        self._admitted -= Counter({client: 1})

    @asynccontextmanager
    async def turn(self, client: Client, priority: int) -> AsyncIterator[None]:
        """Wait for a turn of this client and run."""
        await self._wait(client, priority)
        began = time.monotonic()
        try:
            yield
        finally:
            self._usual_s += _WEIGHT * (time.monotonic() - began - self._usual_s)
            self._end_turn(client)

    async def _wait(self, client: Client, priority: int) -> None:
        given = asyncio.get_running_loop().create_future()
        mine = _Turn(priority, given)
        insort(self._waiting.setdefault(client, []), mine, key=lambda one: -one.priority)
        self._give_turns()
        try:
            await given
        except asyncio.CancelledError:
            if given.cancelled():
                self._forget(client, mine)
            else:
                self._end_turn(client)
            raise

    def _forget(self, client: Client, turn: "_Turn") -> None:
        self._waiting[client].remove(turn)
        if not self._waiting[client]:
            del self._waiting[client]

    def _end_turn(self, client: Client) -> None:
        self._running -= Counter({client: 1})
        self._give_turns()

    def _give_turns(self) -> None:
        while self.running < self._max_runs and (able := self._able_clients()):
            client = able[0]
            waiting = self._waiting.pop(client)
            waiting.pop(0).given.set_result(None)
            self._running[client] += 1
            if waiting:
                self._waiting[client] = waiting  # behind all others

    def _able_clients(self) -> list[Client]:
        """The clients that may run one more, in the order of their turns."""
        able = [one for one in self._waiting if self._running[one] < self._runs_of(one)]
        return sorted(able, key=lambda one: -self._waiting[one][0].priority)

    def _runs_of(self, client: Client) -> int:
        return self._max_runs if client is None else share_of_key(self._max_runs)

    def _full(self, why: str) -> ApiError:
        left = self._usual_s * (self.waiting + 1) / self._max_runs
        return ApiError(429, why, code="server_full", retry_after_s=left)


class _Turn(NamedTuple):
    """One that waits."""

    priority: int
    given: asyncio.Future[None]


class Slot:
    """One admitted request."""

    def __init__(self, admission: Admission, client: Client, priority: int) -> None:
        self._priority = priority
        self._admission = admission
        self._client = client
        self._left = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn of this request, and leave when it is over."""
        try:
            async with self._admission.turn(self._client, self._priority):
                yield
        finally:
            self.leave()

    def leave(self) -> None:
        """Make room for another request; a second time does nothing."""
        if not self._left:
            self._left = True
            self._admission.leave(self._client)
