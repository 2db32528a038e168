"""Write to a store in batches: concurrent writes of many runs share a transaction.

A put that is given with a claim is written only while that claim is valid.
"""

import asyncio

from langgraph.store.base import BaseStore, PutOp

from langgraph_fusion.graph.journal.stores.claim import Claim, Write
from langgraph_fusion.graph.journal.stores.claiming_store import claiming
from langgraph_fusion.sandbox.futures import retrieve_exception


class StoreWriter:
    """Puts of all runs that share a store. For one event loop only.

    A write that was begun is finished, also when whoever waited for it has been cancelled.
    """

    def __init__(self, store: BaseStore) -> None:
        self._store = claiming(store)
        self._writes: list[Write] = []
        self._written: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def later(self, *puts: PutOp, claim: Claim | None = None) -> None:
        """Write together with whatever is written next."""
        if claim is None or not claim.lost:
            self._writes += [Write(put, claim) for put in puts]

    def soon(self, *puts: PutOp, claim: Claim | None = None) -> "asyncio.Future[None]":
        """Begin to write; the future is done once it is committed, or has the store's error."""
        self.later(*puts, claim=claim)
        if self._written is None:
            self._written = asyncio.get_running_loop().create_future()
            self._written.add_done_callback(retrieve_exception)
        if self._task is None:
            self._task = asyncio.create_task(self._write())
        return self._written

    async def write(self, *puts: PutOp, claim: Claim | None = None) -> None:
        """Return once it is committed; raises whatever the store raises.

        Raises:
            RunTakenOver: If the claim is not valid; nothing has been written.
        """
        await asyncio.shield(self.soon(*puts, claim=claim))
        if claim is not None:
            claim.check()

    async def close(self) -> None:
        """Write what is left; the store's errors are dropped: no caller is left to handle them."""
        if self._writes or self._task is not None:
            await asyncio.wait([self.soon()])

    async def _write(self) -> None:
        try:
            while self._written is not None:
                writes, written = self._writes, self._written
                self._writes, self._written = [], None
                await self._batch(writes, written)
        finally:
            self._task = None

    async def _batch(self, writes: list[Write], written: "asyncio.Future[None]") -> None:
        try:
            if writes:
                await self._store.write(writes)
        except Exception as error:  # noqa: BLE001 - stores raise their drivers' errors
            written.set_exception(error)
        except BaseException:
            written.cancel()
            raise
        else:
            written.set_result(None)
