"""Runs that go on when their client's connection ends, because the client asked for it.

A `DetachedRun` (`detached_run.py`) reads a run's events into an `EventLog`, whoever follows.
Clients come back by id, to whichever worker; what they ask of a run (to stop, to answer now)
reaches the process that works on it through the store.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Any

from langgraph_fusion.graph.errors import ConfigError, RunTakenOver
from langgraph_fusion.graph.journal.detached_runs import ENDED, DetachedRuns, Head
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.runs.detached_run import DetachedRun, Translate, too_many_orders
from langgraph_fusion.server.runs.event_log import Frames, last_number, stored_frames
from langgraph_fusion.server.runs.managed_run import ManagedRun

Json = Mapping[str, Any]
_ORDERS_S = 0.5
_WAITING_ORDERS = 20
"""Of one run, in the store; a cancellation always has a place."""
_FOLLOWERS = 200
"""Of the events of all runs of one client."""
_RETRY_S = 5.0
_AFTERWARDS_S = 30.0
"""How long the events of a run that has ended stay in memory."""


async def reconciled(head: Head | None, store: RunRepository) -> Head | None:
    """The head of a run that somebody has finished since, by `fusion resume` for example."""
    if head is None or head.response is not None or head.now not in ("interrupted", "cancelled"):
        return head
    record = await store.find(head.run_id)
    if record is None or record.now != "finished":
        return head
    cost = record.total.cost_usd if record.total else None
    return head.model_copy(
        update={"status": "finished", "seconds": record.seconds, "cost_usd": cost, "error": None}
    )


def _taken(why: str) -> ApiError:
    return ApiError(409, why, code="run_state", param="run_id")


class DetachedRunManager:
    """The detached runs of one process, and the way to those of others."""

    def __init__(self) -> None:
        self._local: dict[str, DetachedRun] = {}
        self._starting = set[str]()
        self._followers = Counter[str | None]()
        self._orders: asyncio.Task[None] | None = None

    async def start(
        self, head: Head, run: ManagedRun, store: RunRepository, translate: Translate
    ) -> None:
        """Let an accepted run go on by itself; return once its client would find it again.

        Raises:
            ApiError: 409, if it is at work already.
        """
        if head.run_id in self._starting or self._of_run(head.run_id) is not None:
            await run.stop()
            raise _taken(f"run {head.run_id} is under way")
        self._starting.add(head.run_id)
        try:
            detached = await self._made(head, run, store)
        except (ConfigError, RunTakenOver) as error:
            await run.stop()
            raise _taken(str(error)) from error
        except BaseException:
            await run.stop()
            raise
        finally:
            self._starting.discard(head.run_id)
        detached.begin(translate, lambda: self._forget_later(head.id))
        if self._orders is None or self._orders.done():
            self._orders = asyncio.create_task(self._carry_out_orders(store.detached))

    async def _made(self, head: Head, run: ManagedRun, store: RunRepository) -> DetachedRun:
        earlier = await store.detached.head(head.id)
        last = await last_number(head.id, store.detached, earlier.last_event) if earlier else 0
        head = head.model_copy(update={"owner": store.me()})
        claim = await store.detached.claim(head)
        made = DetachedRun(head, claim, run, store, last)
        self._local[head.id] = made
        return made

    async def head(self, id: str, store: RunRepository) -> Head | None:
        """What is known of a run or response now; None if there is none."""
        local = self._local.get(id)
        if local and local.head.status not in ENDED:
            return local.head
        return await reconciled(await store.detached.head(id), store)

    async def listed(
        self, client: str | None, store: RunRepository, *, words: str, offset: int, limit: int
    ) -> tuple[list[Head], bool]:
        """List runs with all these words in their question, newest first; and if there are more."""
        wanted = words.lower().split()
        heads = await store.detached.heads(client)
        found = [head for head in heads if all(word in head.question.lower() for word in wanted)]
        page = [await reconciled(head, store) or head for head in found[offset : offset + limit]]
        return page, len(found) > offset + limit

    def frames(self, head: Head, store: RunRepository, after: int) -> Frames:
        """The events after this number, and those to come.

        Raises:
            ApiError: 429, if the client follows as many streams as one may.
        """
        if self._followers[head.client] >= _FOLLOWERS:
            raise ApiError(
                429,
                f"{_FOLLOWERS} streams of events are open for this key, as many as one may have",
                code="server_full",
                retry_after_s=_RETRY_S,
            )
        return self._counted(head.client, self._frames(head, store, after))

    async def _counted(self, client: str | None, frames: Frames) -> Frames:
        self._followers[client] += 1
        try:
            async with aclosing(frames) as parts:
                async for part in parts:
                    yield part
        finally:
            self._followers -= Counter({client: 1})

    def _frames(self, head: Head, store: RunRepository, after: int) -> Frames:
        local = self._local.get(head.id)
        if local is not None:
            return local.log.frames(after)

        async def end_of() -> Head | None:
            found = await store.detached.head(head.id) or head.model_copy(
                update={"status": "cancelled"}  # deleted meanwhile
            )
            return found if found.now in ENDED else None

        return stored_frames(head.id, store.detached, after, end_of)

    async def order(self, head: Head, action: Json, store: RunRepository) -> None:
        """Ask something of a run, wherever it is worked on.

        Raises:
            ConfigError: If it is worked on here and cannot do that.
            ApiError: 409, if too much was asked of it already.
        """
        local = self._of_run(head.run_id)
        if local is not None:
            await local.carry_out(action)
            return
        waiting = [one.action for one in await store.detached.orders() if one.run_id == head.run_id]
        if action in waiting:
            return
        if len(waiting) >= _WAITING_ORDERS and action.get("action") != "cancel":
            raise too_many_orders(_WAITING_ORDERS)
        store.detached.order(head.run_id, dict(action))

    async def cancel_interrupted(self, head: Head, store: RunRepository) -> None:
        """Have nobody go on with a run whose process has gone.

        Raises:
            ConfigError: If somebody has just done so.
        """
        await self.end_interrupted(head.model_copy(update={"status": "cancelled"}), store)

    async def end_interrupted(self, ended: Head, store: RunRepository) -> None:
        """Write how it ended; raises as `cancel_interrupted`."""
        claim = await store.detached.claim(ended)
        store.detached.release(claim)

    def forget(self, id: str) -> None:
        """Drop what memory has of a run that was deleted."""
        self._local.pop(id, None)

    async def close(self) -> None:
        """Stop every run; the store then says that they are interrupted."""
        if self._orders is not None:
            self._orders.cancel()
        await asyncio.gather(*(one.interrupt() for one in self._local.values()))

    def _of_run(self, run_id: str) -> "DetachedRun | None":
        found = (one for one in self._local.values() if one.head.run_id == run_id)
        return next((one for one in found if one.head.status not in ENDED), None)

    def _forget_later(self, id: str) -> None:
        ended = self._local[id]

        def forget() -> None:
            if self._local.get(id) is ended:
                del self._local[id]

        asyncio.get_running_loop().call_later(_AFTERWARDS_S, forget)

    async def _carry_out_orders(self, store: DetachedRuns) -> None:
        """Look for orders while there are runs here."""
        while any(one.head.status not in ENDED for one in self._local.values()):
            await asyncio.sleep(_ORDERS_S)
            with suppress(Exception):  # a store that fails once is asked again
                await self._take_orders(store)

    async def _take_orders(self, store: DetachedRuns) -> None:
        mine = [(one, self._of_run(one.run_id)) for one in await store.orders()]
        taken = [(order, run) for order, run in mine if run is not None]
        for order, run in taken:
            with suppress(ConfigError, ApiError):  # nobody waits for the reply
                await run.carry_out(order.action)
        if taken:
            store.take([order for order, _ in taken])
