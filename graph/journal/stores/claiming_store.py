"""Writes that depend on a claim: what a store of runs has to be able to do.

The stores that we open ourselves, and any `AsyncPostgresStore`, do it in one transaction of their
database, whichever process or machine asks, and tell the time by the database's clock.

Not covered: any other `BaseStore`. LangGraph's interface has no conditional write, so there an item
is read and written under a lock of this process. That is exact for `InMemoryStore`, which no other
process can reach; two processes that share another store of their own making may both believe that
a run is theirs.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from langgraph.store.base import BaseStore, Item, PutOp

from langgraph_fusion.graph.journal.stores.claim import (
    CLAIM,
    Claim,
    Entry,
    Place,
    Write,
    boot_time,
    settle,
)

_ALL = 1_000_000


@runtime_checkable
class ClaimingStore(Protocol):
    """A store that can write on a condition, in one transaction of its database."""

    async def take(self, put: PutOp, expected: str) -> bool:
        """Write the item if its `text` still is `expected`; False if somebody has written it."""

    async def write(self, writes: Sequence[Write]) -> None:
        """Write all of it at once, but nothing of claims that are not valid: those are lost.

        An item that a claim begins is made only if it does not exist.
        """

    async def beat(self, claims: Sequence[Claim]) -> None:
        """Say that these claims' owners live; those that are not valid are lost."""

    async def following(self, space: tuple[str, ...], key: str, most: int) -> list[Entry]:
        """The next items of a namespace after a key, in the order of their keys."""

    async def now(self) -> float:
        """The time by the clock of the items' `updated_at`, in seconds of the epoch."""


def claiming(store: BaseStore) -> ClaimingStore:
    """The store's own conditional writes, or ones under a lock of this process."""
    if isinstance(store, ClaimingStore):
        return store
    if "langgraph.store.postgres" in sys.modules:  # the driver is not loaded to find out
        from langgraph.store.postgres import AsyncPostgresStore

        from langgraph_fusion.graph.journal.stores.postgres_store import PostgresClaims

        if isinstance(store, AsyncPostgresStore):
            return PostgresClaims(store)
    return _InThisProcess(store)


def _named(item: Item | None) -> str | None:
    """The claim that an item names as valid."""
    return item.value.get(CLAIM) if item else None


_locks: "WeakKeyDictionary[BaseStore, asyncio.Lock]" = WeakKeyDictionary()


class _InThisProcess:
    """Any other store, with a lock for the loop that uses it."""

    def __init__(self, store: BaseStore) -> None:
        self._store = store

    async def take(self, put: PutOp, expected: str) -> bool:
        async with self._alone():
            item = await self._item((put.namespace, put.key))
            if item is None or item.value.get("text") != expected:
                return False
            await self._store.abatch([put])
            return True

    async def write(self, writes: Sequence[Write]) -> None:
        made = {one.place for one in writes if one.makes_item}
        async with self._alone():
            valid = dict[Place, str | None]()
            for claim in {one.claim for one in writes if one.claim is not None}:
                item = await self._item(claim.place)
                if item is not None:
                    valid[claim.place] = _named(item)
                elif claim.place in made:
                    valid[claim.place] = claim.token
            puts = [one.put for one in writes if one.claim is None or one.claim.holds(valid)]
            if puts:
                await self._store.abatch(puts)
        settle({one.claim for one in writes if one.claim is not None}, valid, boot_time())

    async def beat(self, claims: Sequence[Claim]) -> None:
        async with self._alone():
            items = {claim.place: await self._item(claim.place) for claim in claims}
            valid = {place: _named(item) for place, item in items.items() if item is not None}
            held = [items[claim.place] for claim in claims if claim.holds(valid)]
            puts = [PutOp(one.namespace, one.key, one.value, False) for one in held if one]
            if puts:
                await self._store.abatch(puts)
        settle(claims, valid, boot_time())

    async def following(self, space: tuple[str, ...], key: str, most: int) -> list[Entry]:
        items = await self._store.asearch(space, limit=_ALL, refresh_ttl=False)
        found = [(one.key, one.value) for one in items if one.namespace == space and one.key > key]
        return sorted(found, key=lambda entry: entry[0])[:most]

    async def now(self) -> float:
        return time.time()

    async def _item(self, place: Place) -> Item | None:
        return await self._store.aget(*place, refresh_ttl=False)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with _locks.setdefault(self._store, asyncio.Lock()):
            yield
