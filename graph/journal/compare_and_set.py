"""Write an item only if nobody has written it since it was read: who owns a run is decided here.

Of several processes that read the same record and want to take the run over, exactly one succeeds.
The stores that we open ourselves, and any `AsyncPostgresStore`, decide it with one conditional
UPDATE of the database, whichever process or machine asks.

Not covered: any other `BaseStore`. LangGraph's interface has no conditional write, so there the
item is read again and written under a lock of this process. That is exact for `InMemoryStore`,
which no other process can reach; two processes that share another store of their own making may
both believe that they have taken over a run.
"""

import sys
from threading import Lock
from typing import Protocol, runtime_checkable

from langgraph.store.base import BaseStore, PutOp


@runtime_checkable
class ComparesAndSets(Protocol):
    """A store that can write an item on a condition, in one step of its database."""

    async def compare_and_set(self, put: PutOp, expected: str) -> bool: ...


async def compare_and_set(store: BaseStore, put: PutOp, expected: str) -> bool:
    """Write the item if its `text` still is `expected`; False if somebody else has written it."""
    if isinstance(store, ComparesAndSets):
        return await store.compare_and_set(put, expected)
    if "langgraph.store.postgres" in sys.modules:  # the driver is not loaded to find out
        from langgraph.store.postgres import AsyncPostgresStore

        from langgraph_fusion.graph.journal.postgres_store import update_where_unchanged

        if isinstance(store, AsyncPostgresStore):
            return await update_where_unchanged(store, put, expected)
    return await _in_this_process(store, put, expected)


_at_work: set[tuple[int, str]] = set()
_lock = Lock()


async def _in_this_process(store: BaseStore, put: PutOp, expected: str) -> bool:
    """Whoever comes while another is at it is too late: the item will have changed."""
    place = (id(store), put.key)
    with _lock:
        if place in _at_work:
            return False
        _at_work.add(place)
    try:
        item = await store.aget(put.namespace, put.key, refresh_ttl=False)
        if item is None or item.value.get("text") != expected:
            return False
        await store.abatch([put])
        return True
    finally:
        with _lock:
            _at_work.discard(place)
