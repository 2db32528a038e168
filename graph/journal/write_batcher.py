"""Write to a store in batches: concurrent writes of many runs share a transaction."""

import asyncio

from langgraph.store.base import BaseStore, PutOp

from langgraph_fusion.sandbox.futures import retrieve_exception


class StoreWriter:
    """Puts of all runs that share a store. For one event loop only.

    A write that was begun is finished, also when whoever waited for it has been cancelled.
    """

    def __init__(self, store: BaseStore) -> None:
        self._store = store
        self._puts: list[PutOp] = []
        self._written: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def later(self, *puts: PutOp) -> None:
        """Write together with whatever is written next."""
        self._puts += puts

    def soon(self, *puts: PutOp) -> "asyncio.Future[None]":
        """Begin to write; the future is done once it is committed, or has the store's error."""
        self._puts += puts
        if self._written is None:
            self._written = asyncio.get_running_loop().create_future()
            self._written.add_done_callback(retrieve_exception)
        if self._task is None:
            self._task = asyncio.create_task(self._write())
        return self._written

    async def write(self, *puts: PutOp) -> None:
        """Return once it is committed; raises whatever the store raises."""
        await asyncio.shield(self.soon(*puts))

    async def close(self) -> None:
        """Write what is left; the store's errors are dropped: no caller is left to handle them."""
        if self._puts or self._task is not None:
            await asyncio.wait([self.soon()])

    async def _write(self) -> None:
        try:
            while self._written is not None:
                puts, written = self._puts, self._written
                self._puts, self._written = [], None
                await self._batch(puts, written)
        finally:
            self._task = None

    async def _batch(self, puts: list[PutOp], written: "asyncio.Future[None]") -> None:
        try:
            if puts:
                await self._store.abatch(puts)
        except Exception as error:  # noqa: BLE001 - stores raise their drivers' errors
            written.set_exception(error)
        except BaseException:
            written.cancel()
            raise
        else:
            written.set_result(None)
