"""The keys of a server: looked up for each request, charged before each run.

    async with KeyRing("keys.db").open() as keys:     # or a postgresql:// URL
        key = await keys.find(token)
        charge = await keys.charge(key, wanted_usd=0.5)
        await keys.begin(charge)                        # its turn among all servers has come
        await keys.settle(charge, cost_usd=0.21, known_usd=0.21)

Nothing is remembered, so a key that was added or removed anywhere is known everywhere at once.
While the database does not answer, nobody is let in; what a run has cost is kept and written later.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self
from weakref import WeakValueDictionary

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.keys.database import Database, KeysUnavailable, Steps, T
from langgraph_fusion.server.keys.key import Caps, Charge, Key, Spent, Token
from langgraph_fusion.server.keys.ledger import LEASE_S, Ledger
from langgraph_fusion.server.keys.places import TotalLimits
from langgraph_fusion.server.keys.sqlite import SqliteDatabase
from langgraph_fusion.server.logging import log_event

_SERVERS = ("postgresql://", "postgres://")
_RENEW_S = LEASE_S / 6
_POLL_S = 0.25
"""Between two questions whether the turn of a run has come, where other processes have runs."""
_PATIENCE_S = 1.0
"""For a charge to be settled; then it goes on in the background."""
_RETRY_S = 1.0
_AT_THE_END_S = 5.0
"""For what is not settled yet when the server stops."""


def is_shared(place: str | os.PathLike[str] | None) -> bool:
    """Whether servers on other hosts may use what is at this place as well."""
    return place is not None and os.fspath(place).startswith(_SERVERS)


class KeyRing:
    """The keys at one place: a SQLite file, or PostgreSQL by URL."""

    def __init__(self, place: str | os.PathLike[str], limits: TotalLimits | None = None) -> None:
        """Raises ConfigError if the place names no database that can be used here."""
        self._place = os.fspath(place)
        self._database = _database(self._place)
        self._ledger = Ledger(self._database.dialect, limits or TotalLimits())
        self._is_up = True
        self._one_by_one = WeakValueDictionary[str, asyncio.Lock]()
        """By key: its requests wait for each other here, not with a connection in hand."""
        self._under_way = set[int]()
        self._asking: dict[int, asyncio.Future[bool]] = {}
        self._turns: asyncio.Task[None] | None = None
        self._settling = set[asyncio.Task[None]]()

    @asynccontextmanager
    async def open(self, *, patient: bool = False) -> AsyncIterator[Self]:
        """Use the keys for the length of the block.

        Raises:
            ConfigError: If they cannot be used; with `patient` a server of a database may answer
                later.
        """
        async with self._database.open(patient=patient):
            renewing = asyncio.create_task(self._renew())
            try:
                yield self
            finally:
                renewing.cancel()
                if self._turns is not None:
                    self._turns.cancel()
                await asyncio.gather(renewing, *filter(None, [self._turns]), return_exceptions=True)
                await self._stop_settling()

    async def check(self) -> None:
        """Raise KeysUnavailable if nobody can be let in now."""
        await self._run(self._ledger.now(), read_only=True)

    def existing(self) -> Self:
        """Return the ring unless it is a file that is not there; raises ConfigError then."""
        if not is_shared(self._place) and not Path(self._place).is_file():
            raise ConfigError(
                f"there is no file {self._place}; `fusion keys add` makes it", field="keys"
            )
        return self

    async def add(self, name: str, caps: Caps, *, for_metrics: bool = False) -> str:
        """Add a key and return its token: the only time it can be seen.

        Raises:
            ConfigError: If the name is taken.
        """
        steps = self._ledger.add(name, caps, for_metrics=for_metrics)
        return str(await self._run(steps))

    async def remove(self, name: str) -> None:
        """Remove a key at once; what was charged to it is kept.

        Raises:
            ConfigError: If there is no such key.
        """
        await self._run(self._ledger.remove(name))

    async def all(self) -> list[tuple[Key, Spent]]:
        """Every key with what was charged to it, oldest first."""
        return await self._run(self._ledger.all(), read_only=True)

    async def find(self, token: str) -> Key | None:
        """Return the key with this token, if there is one."""
        steps = self._ledger.find(Token.parse(token))
        return await self._run(steps, read_only=True)

    async def charge(self, key: Key, wanted_usd: float | None, *, priority: int = 0) -> Charge:
        """Charge a run with the most it may cost, before it starts.

        Raises:
            ApiError: 402 or 429, if the money, the rate or the places of the key are used up.
        """
        async with self._one_by_one.setdefault(key.id, asyncio.Lock()):
            charge = await self._run(self._ledger.charge(key, wanted_usd, priority))
        self._under_way.add(charge.id)
        return charge

    async def begin(self, charge: Charge) -> None:
        """Return when the run may begin: at once, or where there are total limits, in its turn.

        Raises:
            ApiError: 503, if its place was given away because this process was silent too long.
        """
        turn = asyncio.get_running_loop().create_future()
        self._asking[charge.id] = turn
        if self._turns is None or self._turns.done():
            self._turns = asyncio.create_task(self._take_turns())
        try:
            begins = await turn
        finally:
            self._asking.pop(charge.id, None)
        if not begins:
            raise KeysUnavailable("the lease of a run ended before it began")

    async def raise_charge(self, key: Key, charge: Charge, usd: float) -> Charge:
        """Charge a run that is under way with up to so many US dollars in all.

        Raises:
            ApiError: 402, if a cap of the key is lower.
        """
        return await self._run(self._ledger.raise_charge(key, charge, usd))

    async def settle(self, charge: Charge, cost_usd: float | None, known_usd: float) -> None:
        """Replace the charge by the cost; if that is unknown, by what is known if it is more.

        While the database does not answer, that is tried again in the background.
        """
        await self._write(charge, cost_usd, known_usd)

    async def refund(self, charge: Charge) -> None:
        """Take back the charge of a request that was refused; it still counts for the rate."""
        await self._write(charge, None, None)

    async def _run(self, steps: Steps[T], *, read_only: bool = False) -> T:
        """Run one transaction; say in the log when the database goes and when it is back."""
        try:
            found = await self._database.run(steps, read_only=read_only)
        except KeysUnavailable as error:
            if self._is_up:
                log_event("keys.unavailable", logging.ERROR, why=error.why)
            self._is_up = False
            raise
        if not self._is_up:
            log_event("keys.available")
        self._is_up = True
        return found

    async def _write(self, charge: Charge, cost_usd: float | None, known: float | None) -> None:
        task = asyncio.create_task(self._write_until_done(charge.id, cost_usd, known))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        await asyncio.wait({task}, timeout=_PATIENCE_S)

    async def _write_until_done(self, id: int, cost: float | None, known: float | None) -> None:
        while True:
            ledger = self._ledger
            steps = ledger.refund(id) if known is None else ledger.settle(id, cost, known)
            try:
                await self._run(steps)
                break
            except KeysUnavailable:
                await asyncio.sleep(_RETRY_S)
        self._under_way.discard(id)

    async def _stop_settling(self) -> None:
        if not self._settling:
            return
        _, left = await asyncio.wait(self._settling, timeout=_AT_THE_END_S)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if left:
            log_event("keys.unsettled", logging.ERROR, runs=len(left))

    async def _renew(self) -> None:
        """Say that this process still works on its runs."""
        while True:
            await asyncio.sleep(_RENEW_S)
            if self._under_way:
                with suppress(KeysUnavailable):
                    await self._run(self._ledger.renew(sorted(self._under_way)))

    async def _take_turns(self) -> None:
        """Ask for all runs of this process that wait, as long as there are any."""
        while self._asking:
            asked = sorted(self._asking)
            try:
                begin, late = await self._run(self._ledger.begin(asked))
            except Exception as error:  # noqa: BLE001 - whoever waits has to be told
                self._answer(asked, error)
                continue
            self._answer(begin, True)
            self._answer(late, False)
            if self._asking:
                await asyncio.sleep(0 if set(self._asking) - set(asked) else _POLL_S)

    def _answer(self, charges: list[int], reply: bool | Exception) -> None:
        for id in charges:
            turn = self._asking.pop(id, None)
            if turn is None or turn.done():
                continue
            if isinstance(reply, Exception):
                turn.set_exception(reply)
            else:
                turn.set_result(reply)


def _database(place: str) -> Database:
    if not is_shared(place):
        return SqliteDatabase(Path(place))
    try:
        from langgraph_fusion.server.keys.postgres import PostgresDatabase
    except ImportError:
        raise ConfigError(
            "PostgreSQL needs `pip install 'langgraph-fusion[postgres]'`", field="keys"
        ) from None
    return PostgresDatabase(place)
