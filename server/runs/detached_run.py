"""One run that goes on by itself: its events are logged, and how it went is written down."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any

from langgraph_fusion.graph.errors import RunTakenOver
from langgraph_fusion.graph.journal.detached_runs import Head
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.stores.claim import Claim
from langgraph_fusion.models.loop_share import off_loop, size_of
from langgraph_fusion.server.errors import ApiError, ServerStopping, api_error
from langgraph_fusion.server.logging import log_surprise
from langgraph_fusion.server.runs.event_log import EventLog, event_text
from langgraph_fusion.server.runs.managed_run import ManagedRun

Json = Mapping[str, Any]
Typed = tuple[str, Json]
"""An event's type and its content."""
Translate = Callable[[ManagedRun], AsyncGenerator[Typed, None]]
"""Makes the events of an API out of a run's own."""
_JOIN_S = 0.05
"""Pieces of the answer that come within so many seconds are one event."""
_ORDERS = 100
"""Of one run; each is an event of it. Cancelling it is always possible."""


class DetachedRun:
    """One run that goes on by itself."""

    def __init__(
        self, head: Head, claim: Claim, run: ManagedRun, store: RunRepository, last_event: int
    ) -> None:
        """`last_event` is the number of the last event of an earlier process.

        Nothing is written unless the `claim` on the head is valid.
        """
        self.head = head
        self.log = EventLog(head.id, store.detached, claim, last_event)
        self._claim = claim
        self._run = run
        self._store = store
        self._cancelled = False
        self._orders = 0
        self._work: asyncio.Task[None] | None = None

    def begin(self, translate: Translate, at_the_end: Callable[[], None]) -> None:
        """Start to read the run's events."""
        self._work = asyncio.create_task(self._follow(translate))
        self._work.add_done_callback(lambda _: at_the_end())

    async def carry_out(self, action: Json) -> None:
        """Do what a client asks of the run.

        Raises:
            ConfigError: As `ManagedRun.steer`.
            ApiError: As `ManagedRun.steer`, and 409 for more than `_ORDERS` in all.
        """
        if action.get("action") == "cancel":
            self._cancelled = True
            self._run.cancel()
            return
        if self._orders >= _ORDERS:
            raise too_many_orders(_ORDERS)
        await self._run.steer(action)
        self._orders += 1

    async def interrupt(self) -> None:
        """Stop the run so that it can be resumed."""
        if self._work is not None and not self._work.done():
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _follow(self, translate: Translate) -> None:
        try:
            with self._claim.stopping():
                await self._log_events(translate)
            self._end("finished")
            await self._forget_texts()
        except RunTakenOver:
            self.head = self.head.model_copy(update={"status": "interrupted"})  # as far as we know
        except asyncio.CancelledError:
            self._end("cancelled" if self._cancelled else "interrupted")
        except ServerStopping:
            self._end("interrupted")
        except Exception as error:  # noqa: BLE001 - whoever comes back has to be told
            if isinstance(error.__cause__, RunTakenOver):  # by somebody who writes no events
                self._change(status="interrupted")
            else:
                self._fail(error)
        finally:
            await asyncio.shield(asyncio.ensure_future(self._close()))

    async def _log_events(self, translate: Translate) -> None:
        async with aclosing(translate(self._run)) as events:
            async for kind, data in joined(events):
                if self.head.status == "queued":
                    self._change(status="running")
                self.log.append(kind, await off_loop(size_of(data), event_text, data))

    async def _forget_texts(self) -> None:
        """The events of a response hold its answer; the run's own texts stay if they are kept."""
        if self.head.response is not None:
            with suppress(Exception):  # it may wait for the client's tools; else they expire
                await self._store.forget_texts(self.head.run_id)

    def _fail(self, error: Exception) -> None:
        found = api_error(error, self._run.run_id)
        if found.status == 500:
            log_surprise(error, run_id=self.head.run_id)
        self._end("failed", error=found.body["error"])

    def _end(self, status: str, error: Json | None = None) -> None:
        if self.head.response is None and status != "finished":
            said = {"error": error} if error else {}
            self.log.append(f"run.{status}", event_text({"type": f"run.{status}"} | said))
        cost = self._run.cost_usd
        self._change(
            status=status,
            error=error,
            last_event=self.log.last,
            cost_usd=cost,
            seconds=self._run.seconds,
        )

    async def _close(self) -> None:
        await self._run.stop()
        self._store.detached.release(self._claim)
        self.log.close()

    def _change(self, **changes: Any) -> None:
        self.head = Head.model_validate(self.head.model_dump() | changes)
        self._store.detached.write_head_later(self.head, self._claim)


def too_many_orders(most: int) -> ApiError:
    return ApiError(409, f"{most} orders of this run were taken, as many as it may have; it can "
                    "still be cancelled", code="run_state", param="run_id")  # fmt: skip


async def run_events(run: ManagedRun) -> AsyncGenerator[Typed, None]:
    """The events of `graph.events`, as they are."""
    async with aclosing(run.events()) as events:
        async for event in events:
            yield str(event["type"]), event


async def joined(events: AsyncIterator[Typed]) -> AsyncGenerator[Typed, None]:
    """The same events; pieces of the answer that come close together are one."""
    loop = asyncio.get_running_loop()
    text, until = "", 0.0
    coming = _next(events)
    try:
        while True:
            await asyncio.wait({coming}, timeout=max(0.0, until - loop.time()) if text else None)
            came = coming.done()
            if text and not (came and _is_piece(coming)):
                yield "writer.delta", {"type": "writer.delta", "text": text}
                text = ""
            if not came:
                continue
            event = coming.result()
            if event is None:
                return
            coming = _next(events)
            if event[0] != "writer.delta":
                yield event
                continue
            until = until if text else loop.time() + _JOIN_S
            text += event[1]["text"]
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def _next(events: AsyncIterator[Typed]) -> "asyncio.Future[Typed | None]":
    """The next event, None at the end, as something that can be waited for again."""

    async def one() -> Typed | None:
        return await anext(events, None)

    return asyncio.ensure_future(one())


def _is_piece(coming: "asyncio.Future[Typed | None]") -> bool:
    event = None if coming.exception() else coming.result()
    return event is not None and event[0] == "writer.delta"
