"""One run on behalf of a client: admitted, observed, and stopped when its client has gone.

    async with manager.run(request, context) as run:            # a whole answer
        result = await cancel_on_disconnect(receive, run.result())

    run = await manager.start(request, context)                 # a stream, which outlives its route
    return EventStream(frames(run.events()), close=run.stop, …)

Every API that starts a deliberation for a client goes through here.
"""

import asyncio
import time
from asyncio import FIRST_COMPLETED, CancelledError
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.calls.retry import forget_frames
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.errors import ConfigError, FusionError, RunFailed
from langgraph_fusion.graph.journal.repository import RunRepository, new_id
from langgraph_fusion.graph.preflight.fetched_images import with_images_fetched
from langgraph_fusion.graph.preflight.request_check import check_request
from langgraph_fusion.models.depth import depth
from langgraph_fusion.models.loop_share import share_loop
from langgraph_fusion.server.errors import ApiError, ServerStopping, api_error
from langgraph_fusion.server.keys.key_ring import KeyRing
from langgraph_fusion.server.request_context import RequestContext
from langgraph_fusion.server.runs.admission import Admission, Slot
from langgraph_fusion.server.runs.engine import RunEngine
from langgraph_fusion.server.runs.loop_turns import LoopTurns
from langgraph_fusion.server.runs.observers import RunObserver
from langgraph_fusion.server.runs.resume import answers_directly, continued_run
from langgraph_fusion.server.runs.run_request import MAX_PRIORITY, RunRequest
from langgraph_fusion.server.runs.shutdown import Shutdown
from langgraph_fusion.server.runs.spend import RunAccount
from langgraph_fusion.server.runs.steer import steer

Event = dict[str, Any]
_PART = 1000
"""Characters of an answer that is being written, in one event."""


@dataclass
class RunManager:
    """Starts the runs of one server process."""

    admission: Admission
    shutdown: Shutdown
    observers: list[RunObserver]
    keys: KeyRing | None = None
    """None when every request is served."""
    store: RunRepository | None = None
    """Where runs are kept; open from the start of the application to its end."""
    engine: RunEngine | None = None
    """Who does the runs; None when they are done in this process."""
    turns: LoopTurns = field(default_factory=LoopTurns)
    """In the event loop, for what begins."""

    @asynccontextmanager
    async def run(
        self, request: RunRequest, context: RequestContext
    ) -> "AsyncIterator[ManagedRun]":
        """Admit a run for the length of the block; it starts when its events are read.

        Raises:
            ApiError: 402 or 429 when the key's caps are reached, 429 when the server is full, 503
                when it is stopping.
        """
        run = await self._admit(request, context)
        try:
            yield run
        finally:
            await run.stop()

    async def start(self, request: RunRequest, context: RequestContext) -> "ManagedRun":
        """Admit a run that the caller stops, once it is known that the request is in order.

        The run starts when its events are read: a client has the first bytes before that.

        Raises:
            ApiError: As `run`, and if the run cannot start.
        """
        run = await self._admit(request, context)
        try:
            await run.wait_until_accepted()
        except BaseException:
            await run.stop()
            raise
        return run

    async def _admit(self, request: RunRequest, context: RequestContext) -> "ManagedRun":
        if self.shutdown.started:
            raise ServerStopping(None, kept=False)
        request = _without_recursion(request, context.depth)
        _check_priority(request, context)
        slot = self.admission.enter(context.client, request.priority)
        try:
            account = await RunAccount.open(
                self.keys, context.key, request.settings.budget_usd, request.priority
            )
            return ManagedRun(
                account.limit(request),
                context,
                slot=slot,
                account=account,
                shutdown=self.shutdown,
                observers=self.observers,
                store=self.store,
                engine=self.engine,
                turns=self.turns,
            )
        except BaseException:
            slot.leave()
            raise


def _check_priority(request: RunRequest, context: RequestContext) -> None:
    """Raise ApiError, 400, for a higher priority than the client's key may ask for."""
    most = (context.key.caps.priority or 0) if context.key else MAX_PRIORITY
    if request.priority > most:
        raise ApiError(
            400,
            f"fusion.priority: this key may ask for 0 to {most}",
            code="invalid_value",
            param="fusion.priority",
        )


def _without_recursion(request: RunRequest, depth: int) -> RunRequest:
    """Inside a deliberation there is no second one: the synthesizer answers alone.

    Raises:
        ApiError: 400, if that synthesizer leads back here as well.
    """
    if depth > 1:
        raise ApiError(
            400,
            "a model of this panel leads back to this server, again and again; seat another one",
            code="recursion",
            param="model",
        )
    return request.with_settings(mode="direct") if depth else request


class ManagedRun:
    """A run that starts when its events are first read; they wait until they are read."""

    def __init__(
        self,
        request: RunRequest,
        context: RequestContext,
        *,
        slot: Slot,
        account: RunAccount,
        shutdown: Shutdown,
        observers: Sequence[RunObserver],
        store: RunRepository | None,
        turns: LoopTurns,
        engine: RunEngine | None,
    ) -> None:
        """With an `engine` the run is done by a worker process, and followed here."""
        self._engine = engine
        self.run_id: str | None = None
        self._handed_over = ""
        """The run's id, once a worker may have it."""
        self.has_turn = False
        self._began: float | None = None
        self._request = request
        self._context = context
        self._slot = slot
        self._account = account
        self._shutdown = shutdown
        self._store = store
        self._turns = turns
        self._observations = [observer.observe(context, request) for observer in observers]
        self._steering = Steering()
        self._budget_usd = request.settings.budget_usd
        """What a worker was told last."""
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._stopped_by: RunFailed | None = None
        self._accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._events_are_read = asyncio.Event()
        self._admitted_at = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._perform())
        self._task.add_done_callback(lambda _: self._events.put_nowait(None))
        shutdown.runs.add(self)

    async def events(self) -> AsyncGenerator[Event, None]:
        """Start the run and yield its events, then raise how it failed.

        Raises:
            ApiError: If it has no answer, or the server did not wait for it; with the run's id.
        """
        self._events_are_read.set()
        while (event := await self._events.get()) is not None:
            for part in _in_parts(event):
                yield part
                await share_loop()
        await self._raise_failure()

    async def result(self) -> Event:
        """Read all events and return the `FusionResult` as JSON; raises as `events`."""
        result: Event = {}
        async with aclosing(self.events()) as events:
            async for event in events:
                result = event.get("result", result)
        return result

    async def wait_until_accepted(self) -> None:
        """Return once the request is known to be in order, and raise what is wrong with it."""
        await asyncio.wait({self._task, self._accepted}, return_when=FIRST_COMPLETED)
        if not self._accepted.done():
            await self._raise_failure()

    @property
    def cost_usd(self) -> float | None:
        """US dollars so far, None if unknown in part."""
        return self._account.cost_usd

    @property
    def seconds(self) -> float:
        """Since the run began, without its time in the queue."""
        began = self._began or time.monotonic()
        return round(time.monotonic() - began, 3)

    def cancel(self) -> None:
        """Begin to end the run; whoever reads its events gets `CancelledError`."""
        self._task.cancel()

    async def steer(self, action: Mapping[str, Any]) -> None:
        """Do what a client asks of the run, and tell it to whoever follows.

        Raises:
            ConfigError: If it cannot be done, or not any more.
            ApiError: 402, if the key's cap does not allow that much.
        """
        if action["action"] == "raise_budget":
            await self._charge_more(action.get("budget_usd") or 0.0)
        if self._engine is None:
            steer(self._steering, action)
        else:
            await self._engine.order(self._handed_over, dict(action))
            self._budget_usd = action.get("budget_usd") or self._budget_usd
        self._pass_on({"type": "run.steered", **action})

    async def _charge_more(self, usd: float) -> None:
        local = self._engine is None
        before = self._steering.budget_usd if local else self._budget_usd
        if before is not None and usd > before:  # else the run says what is wrong
            await self._account.raise_to(usd)

    async def stop(self) -> None:
        """End the run if it has not ended: calls stop, containers are removed."""
        if self not in self._shutdown.runs:
            return
        self._shutdown.runs.discard(self)
        self._task.cancel()
        error = (await asyncio.gather(self._task, return_exceptions=True))[0]
        self._slot.leave()
        if isinstance(error, FusionError | CancelledError):
            forget_frames(error)  # they hold this run, which holds the task and its error
        for observation in self._observations:
            observation.ended(self._stopped_by or error)
        abandoned = isinstance(error, CancelledError)
        await asyncio.shield(
            self._account.close(abandoned=abandoned, settled_usd=self._settled_usd)
        )

    @property
    def _settled_usd(self) -> float | None:
        """What the calls of the run count once it has stopped, where that is known."""
        if self._engine is None:
            return self._steering.settled_usd
        return self._engine.settled_usd(self._handed_over)

    def stop_for_shutdown(self) -> None:
        """End the run because the server stops; its client gets an error that says so."""
        self._stopped_by = ServerStopping(self.run_id, kept=self._store is not None)
        self._task.cancel()

    async def _raise_failure(self) -> None:
        try:
            await self._task
        except asyncio.CancelledError:
            if self._stopped_by is None:
                raise
            raise self._as_api_error(self._stopped_by) from None
        except ConfigError as error:
            raise self._as_api_error(self._account.to_api_error(error)) from error
        except FusionError as error:
            raise self._as_api_error(error) from error

    def _as_api_error(self, error: Exception) -> ApiError:
        found = api_error(error, self.run_id)
        found.settings = self._request.settings
        return found

    async def _perform(self) -> None:
        depth.set(self._context.depth)
        await self._turns.turn()
        run_id = await self._check()
        self._accepted.set_result(None)
        async with AsyncExitStack() as stack:
            await self._wait_for_turn(stack)
            self.has_turn = True
            self._began = time.monotonic()
            await self._turns.turn()
            await self._deliberate(run_id)

    async def _wait_for_turn(self, stack: AsyncExitStack) -> None:
        """Take the turn for the length of the stack; the wait is part of the run's time.

        Raises:
            RunFailed: If the deadline passes before.
        """
        clock, deadline_s = asyncio.get_running_loop().time, self._request.settings.deadline_s
        try:
            async with asyncio.timeout_at(self._admitted_at + deadline_s):
                await self._events_are_read.wait()
                await stack.enter_async_context(self._slot.turn())
                await self._account.begin()
        except TimeoutError:
            raise RunFailed(
                f"the {deadline_s:g} seconds of this run (deadline_s) passed while it waited for "
                "its turn; ask again later",
                "deadline",
            ) from None
        waited = round(clock() - self._admitted_at)
        if waited:
            left = {"deadline_s": max(1.0, deadline_s - waited)}
            settings = self._request.settings.model_copy(update=left)
            self._request = replace(self._request, settings=settings)

    async def _check(self) -> str | None:
        """Find what is wrong with the request before its turn; return the run it continues."""
        messages = await with_images_fetched(self._request.messages, self._request.settings)
        self._request = request = replace(self._request, messages=messages)
        run_id = request.run_id
        if run_id is None or request.take_over:
            found = await continued_run(request.messages, self._store, self._context.client)
            run_id = found.id if found else run_id
            if answers_directly(request, found):
                request = request.with_settings(mode="direct")
        settings = await check_request(request.messages, request.settings, run_id or new_id())
        self._request = replace(request, settings=settings)
        return run_id

    async def _deliberate(self, run_id: str | None) -> None:
        async with aclosing(self._events_of(run_id)) as events:
            async for event in events:
                self._pass_on(event)

    def _events_of(self, run_id: str | None) -> AsyncGenerator[Event, None]:
        request, client = self._request, self._context.client
        if self._engine is not None:
            self._handed_over = run_id = run_id or new_id()
            return self._engine.deliberate(
                request, run_id, client, self._context.depth, self._leaves
            )
        return deliberate(
            request.messages,
            request.settings,
            runs=self._store,
            run_id=run_id,
            client=client,
            take_over=request.take_over,
            keep=request.keep,
            steering=self._steering,
        )

    def _leaves(self) -> bool:
        """Whether this process stops and a worker goes on with the run."""
        return self._stopped_by is not None or self._shutdown.started

    def _pass_on(self, event: Event) -> None:
        if event["type"] != "writer.delta":
            self.run_id = event.get("run_id", self.run_id)
            self._account.event(event)
            for observation in self._observations:
                observation.event(event)
        if event["type"] == "run.finished" and self._request.notes:
            result = event["result"]
            event = {
                **event,
                "result": result | {"notes": [*result["notes"], *self._request.notes]},
            }
        self._events.put_nowait(event)


def _in_parts(event: Event) -> Iterator[Event]:
    """The event; of a long piece of text parts, each of which is soon read and passed on."""
    text = event["text"] if event["type"] == "writer.delta" else ""
    if len(text) <= _PART:
        yield event
        return
    for start in range(0, len(text), _PART):
        yield {**event, "text": text[start : start + _PART]}
