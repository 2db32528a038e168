"""Runs that workers do: enqueued here, done elsewhere, their events read from the store."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from langgraph_fusion.graph.errors import ConfigError, RunFailed
from langgraph_fusion.graph.journal.entries import message_json
from langgraph_fusion.graph.journal.jobs import ENDED, Job, ending
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.server.engine.notices import (
    OFTEN_S,
    ORDERS,
    QUEUED,
    Notices,
    of_cancelled,
    of_job,
    of_reply,
)
from langgraph_fusion.server.engine.queue import QueueClient
from langgraph_fusion.server.runs.event_log import last_number
from langgraph_fusion.server.runs.run_request import RunRequest

Event = dict[str, Any]
T = TypeVar("T")
_SILENT_S = 0.25
"""How often the events of a silent run are looked for, where no notice is heard."""
_PATIENT = 40
GAP = "gap"
"""Type of an event that stands for those that the store has lost."""
_REPLY_S = 10.0
"""How long a worker has to say what it makes of an order."""
_STOPPED_S = 5.0
"""How long a worker has to say what a run that was cancelled has cost."""
_AWAY_S = 60.0
"""How long a store may be away before its runs are given up here."""


class Engine:
    """The workers, as a server sees them."""

    def __init__(self, queue: QueueClient, runs: RunRepository, notices: Notices) -> None:
        self._queue = queue
        self._runs = runs
        self._notices = notices
        self._settled_usd = dict[str, float]()

    async def deliberate(
        self,
        request: RunRequest,
        run_id: str,
        client: str | None,
        depth: int,
        leaves: Callable[[], bool],
    ) -> AsyncGenerator[Event, None]:
        """Yield the events of a run, as `graph.api.deliberate`, from whichever worker has it.

        A run that was handed over before, by any server, is joined. Closing the iterator cancels
        it, unless `leaves` says that only this server stops to follow.

        Raises:
            ConfigError, RunFailed: As the run does on its worker.
        """
        job = await self._handed_over(request, run_id, client, depth)
        ended = False
        try:
            async for kind, data in self._events(job):
                if kind == ENDED:
                    ended = True
                    _raise_failure(job.run_id, ending(data))
                    break
                yield json.loads(data)
        finally:
            if not ended and not leaves():
                await asyncio.shield(self._cancel(job))
            elif ended:
                await asyncio.shield(self._forget(job))

    def settled_usd(self, run_id: str) -> float | None:
        """What the calls of a run that was cancelled have cost at most; asked once.

        0 if no worker had begun with it. None if its worker has not said it in time, or others
        have worked on it before: what they had under way when they died, nobody knows.
        """
        return self._settled_usd.pop(run_id, None)

    async def order(self, run_id: str, action: dict[str, Any]) -> None:
        """Ask something of a run, and return when its worker has done it.

        Raises:
            ConfigError: As `Steering` says, and if no worker has the run.
        """
        job = await self._runs.jobs.read(run_id)
        if job is None or job.status == "queued":
            raise ConfigError(f"run {run_id} waits for a worker; ask again once it has begun")
        store = self._runs.detached
        key = await store.ask(job.log_id, action)
        with self._notices.listening(of_reply(key)) as heard, suppress(TimeoutError):
            self._notices.tell(ORDERS)
            async with asyncio.timeout(_REPLY_S):
                while (refused := await store.take_reply(key)) is None:
                    self._notices.tell(ORDERS)
                    await heard.wait()
                if refused:
                    raise ConfigError(refused["message"])
                return
        await store.withdraw(key)
        raise ConfigError(f"the worker of run {run_id} does not answer; ask again later")

    async def _handed_over(
        self, request: RunRequest, run_id: str, client: str | None, depth: int
    ) -> Job:
        before = await self._runs.jobs.read(run_id)
        if before is not None and before.status != "ended":
            return before
        last = await last_number(before.log_id, self._runs.detached, before.before) if before else 0
        job = Job(
            run_id=run_id,
            attempt=before.attempt + 1 if before else 1,
            client=client,
            settings=request.settings.model_dump(mode="json"),
            messages=tuple(message_json(message) for message in request.messages),
            keep=request.keep,
            depth=depth,
            before=last,
        )
        await _patiently(partial(self._runs.jobs.write, job))
        await _patiently(partial(self._queue.put, job.work_id, client, request.priority))
        self._notices.tell(QUEUED)
        return job

    async def _events(self, job: Job) -> AsyncGenerator[tuple[str, str], None]:
        after, silent = job.before, 0
        with self._notices.listening(of_job(job.run_id)) as heard:
            while True:
                found = await _patiently(partial(self._runs.detached.events, job.log_id, after))
                for event in found:
                    if event.number > after + 1:
                        yield GAP, json.dumps({"type": GAP, "after": after, "next": event.number})
                    after = event.number
                    yield event.kind, event.data
                silent = 0 if found else silent + 1
                if found:
                    continue
                if not silent % _PATIENT and await _patiently(partial(self._has_gone, job, after)):
                    yield ENDED, '{"status": "cancelled"}'
                await heard.wait(OFTEN_S if silent < _PATIENT else _SILENT_S)

    async def _has_gone(self, job: Job, after: int) -> bool:
        """Whether another server has cancelled the run, or has its result."""
        now = await self._runs.jobs.read(job.run_id)
        over = now is None or now.attempt != job.attempt or now.status == "ended"
        return over and not await self._runs.detached.events(job.log_id, after)

    async def _cancel(self, job: Job) -> None:
        """First what the worker has becomes invalid; then its calls are stopped."""
        before = await self._runs.jobs.cancel(job)
        self._notices.tell(of_cancelled(job.run_id))
        await self._queue.cancel(job.work_id)
        if before is None:
            return
        if not before.taken:
            self._settled_usd[job.run_id] = 0.0
        elif before.taken == 1 and job.settings["budget_usd"] is not None:
            await self._hear_cost(job)

    async def _hear_cost(self, job: Job) -> None:
        """Wait for the worker to say what the run has cost, if it lives."""
        with self._notices.listening(of_job(job.run_id)) as heard, suppress(TimeoutError):
            async with asyncio.timeout(_STOPPED_S):
                while (said := await self._runs.jobs.take_stopped(job)) is None:
                    await heard.wait()
                if said["settled_usd"] is not None:
                    self._settled_usd[job.run_id] = said["settled_usd"]

    async def _forget(self, job: Job) -> None:
        """The result has arrived; what of the run is kept, its record says."""
        with suppress(Exception):  # else it expires
            await self._runs.jobs.remove(job)
            await self._queue.forget(job.work_id)
            await self._runs.forget_texts(job.run_id)


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask the store until it answers: a database that restarts ends no run.

    Raises:
        RunFailed: If it has not answered for too long.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + _AWAY_S
    while True:
        try:
            return await ask()
        except Exception as error:  # stores raise their drivers' errors
            if clock() > end:
                why = "the store of runs does not answer; resume the run once it does"
                raise RunFailed(why, "timeout") from error
        await asyncio.sleep(_SILENT_S)


def _raise_failure(run_id: str, how: Event) -> None:
    if how["status"] == "failed" and how["reason"] is None:
        raise ConfigError(how["message"])
    if how["status"] == "failed":
        raise RunFailed(how["message"], how["reason"])
    if how["status"] == "cancelled":
        raise RunFailed(f"run {run_id} was cancelled", "cancelled")
