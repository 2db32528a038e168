"""One run on behalf of a client: admitted, watched, and stopped when nobody waits for it.

    async with managed_run(service, wanted, visit) as run:      # a whole answer
        result = await cancel_on_disconnect(request.receive, run.result())

    run = await begin_run(service, wanted, visit)             # a stream, which outlives its handler
    return EventStream(frames(run.events()), close=run.stop, …)

Every door that starts a deliberation for a client goes through here.
"""

import asyncio
from asyncio import FIRST_COMPLETED, CancelledError
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.errors import ConfigError, FusionError, RunFailed
from langgraph_fusion.graph.journal.repository import new_id
from langgraph_fusion.graph.preflight.request_check import accepted
from langgraph_fusion.models.http import depth
from langgraph_fusion.server.errors import ApiError, ServerStopping, api_error
from langgraph_fusion.server.openai.parse_request import RunRequest
from langgraph_fusion.server.openrouter.metadata import METADATA, metadata_of_failure
from langgraph_fusion.server.request_context import RequestContext
from langgraph_fusion.server.runs.admission import Place
from langgraph_fusion.server.runs.resume import continued_run
from langgraph_fusion.server.runs.spend import RunAccount
from langgraph_fusion.server.state import ServerState

Event = dict[str, Any]


@asynccontextmanager
async def managed_run(
    service: ServerState, wanted: RunRequest, visit: RequestContext
) -> "AsyncIterator[ManagedRun]":
    """Admit a run for the length of the block; it starts when its events are read.

    Raises:
        ApiError: 402 or 429 when the key's caps are reached, 429 when the server is full, 503 when
            it is stopping.
    """
    run = await _admitted(service, wanted, visit)
    try:
        yield run
    finally:
        await run.stop()


async def begin_run(
    service: ServerState, wanted: RunRequest, visit: RequestContext
) -> "ManagedRun":
    """Admit a run that the caller stops, once it is known that nothing is wrong with the request.

    The run starts when its events are read: a client has the first bytes before that.

    Raises:
        ApiError: As `managed_run`, and if the run cannot start.
    """
    run = await _admitted(service, wanted, visit)
    try:
        await run.accepted()
    except BaseException:
        await run.stop()
        raise
    return run


async def _admitted(
    service: ServerState, wanted: RunRequest, visit: RequestContext
) -> "ManagedRun":
    if service.closing.begun:
        raise ServerStopping(None, kept=False)
    wanted = _once(wanted, visit.depth)
    place = service.admission.enter()
    try:
        account = await RunAccount.open(service.keys, visit.key, wanted.settings.budget_usd)
        if account.budget_usd is not None:
            wanted = _changed(wanted, budget_usd=account.budget_usd)
        return ManagedRun(service, wanted, visit, place, account)
    except BaseException:
        place.leave()
        raise


def _once(wanted: RunRequest, depth: int) -> RunRequest:
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
    return _changed(wanted, mode="direct") if depth else wanted


def _changed(wanted: RunRequest, **settings: Any) -> RunRequest:
    return replace(wanted, settings=wanted.settings.changed(**settings))


class ManagedRun:
    """A run that starts when its events are first read; they wait until they are read."""

    def __init__(
        self,
        service: ServerState,
        wanted: RunRequest,
        visit: RequestContext,
        place: Place,
        account: RunAccount,
    ) -> None:
        self.run_id: str | None = None
        self.has_turn = False
        self._service = service
        self._wanted = wanted
        self._place = place
        self._account = account
        self._depth = visit.depth
        self._client = visit.client
        self._metadata = visit.metadata
        self._watches = [watcher.watch(visit, wanted) for watcher in service.watchers]
        self._told: asyncio.Queue[Event | None] = asyncio.Queue()
        self._stopped_by: RunFailed | None = None
        self._found_good: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanted_now = asyncio.Event()
        self._task = asyncio.create_task(self._perform())
        self._task.add_done_callback(lambda _: self._told.put_nowait(None))
        service.runs.add(self)

    async def events(self) -> AsyncGenerator[Event, None]:
        """Start the run and yield what it tells, then raise how it failed.

        Raises:
            ApiError: If it has no answer, or the server did not wait for it; with the run's id.
        """
        self._wanted_now.set()
        while (event := await self._told.get()) is not None:
            yield event
        try:
            await self._ended()
        except FusionError as error:
            raise self._said(error) from error

    async def result(self) -> Event:
        """Read all events and return the `FusionResult` as JSON; raises as `events`."""
        result: Event = {}
        async with aclosing(self.events()) as events:
            async for event in events:
                result = event.get("result", result)
        return result

    async def accepted(self) -> None:
        """Return when the request was found to be in order, and raise what is wrong with it."""
        await asyncio.wait({self._task, self._found_good}, return_when=FIRST_COMPLETED)
        if self._found_good.done():
            return
        try:
            await self._ended()
        except FusionError as error:
            raise self._said(error) from error

    async def stop(self) -> None:
        """End the run if it has not ended: calls stop, containers are removed."""
        if self not in self._service.runs:
            return
        self._service.runs.discard(self)
        self._task.cancel()
        error = (await asyncio.gather(self._task, return_exceptions=True))[0]
        self._place.leave()
        for watch in self._watches:
            watch.ended(self._stopped_by or error)
        await asyncio.shield(self._account.close(abandoned=isinstance(error, CancelledError)))

    def give_up(self) -> None:
        """End the run because the server stops; its client is told so."""
        self._stopped_by = ServerStopping(self.run_id, kept=self._service.store is not None)
        self._task.cancel()

    def _said(self, error: FusionError) -> ApiError:
        said = api_error(error, self.run_id)
        if self._metadata:
            said.beside[METADATA] = metadata_of_failure(self._wanted, said.code)
        return said

    async def _ended(self) -> None:
        try:
            await self._task
        except asyncio.CancelledError:
            if self._stopped_by is None:
                raise
            raise self._stopped_by from None
        except ConfigError as error:
            raise self._account.explained(error) from error

    async def _perform(self) -> None:
        depth.set(self._depth)
        run_id = await self._checked()
        self._found_good.set_result(None)
        await self._wanted_now.wait()
        async with self._place.turn():
            self.has_turn = True
            await self._deliberate(run_id)

    async def _checked(self) -> str | None:
        """Find what is wrong with the request before its turn comes; the run it goes on with."""
        wanted = self._wanted
        run_id = wanted.run_id
        if run_id is None:
            run_id = await continued_run(wanted.messages, self._service.store, self._client)
        settings = await accepted(wanted.messages, wanted.settings, run_id or new_id())
        self._wanted = replace(wanted, settings=settings)
        return run_id

    async def _deliberate(self, run_id: str | None) -> None:
        wanted = self._wanted
        kept = {"runs": self._service.store, "run_id": run_id, "client": self._client}
        run = deliberate(wanted.messages, wanted.settings, **kept)
        async with aclosing(run) as events:
            async for event in events:
                self._tell(event)

    def _tell(self, event: Event) -> None:
        if event["type"] != "writer.delta":
            self.run_id = event.get("run_id", self.run_id)
            self._account.event(event)
            for watch in self._watches:
                watch.event(event)
        self._told.put_nowait(event)
