"""A worker process: it takes runs out of the queue, deliberates, and stores their events.

A worker that dies is noticed by the others, by the database's clock: they put its runs back into
the queue, and whoever takes one goes on with it from its journal. A worker that is asked to end
hands its runs back at once.
"""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import cast

from langchain_core.messages import AnyMessage

from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.errors import ConfigError, RunFailed, RunTakenOver
from langgraph_fusion.graph.journal.claim import Claim
from langgraph_fusion.graph.journal.entries import Json, read_messages
from langgraph_fusion.graph.journal.jobs import ENDED, Job
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.models.depth import depth
from langgraph_fusion.server.engine.job_log import JobLog
from langgraph_fusion.server.engine.membership import Membership
from langgraph_fusion.server.engine.queue import Limits, QueueWorker
from langgraph_fusion.server.logging import log_event, log_surprise
from langgraph_fusion.server.runs.event_log import last_number
from langgraph_fusion.server.runs.steer import steer

_ORDERS_S = 0.25
_AT_WORK_S = 0.2
_CLOSING_S = 0.02
_STORE_AWAY_S = 0.5


class Worker:
    """The runs that one worker process works on. For one event loop only."""

    def __init__(self, runs: RunRepository, engine: str, limits: Limits) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._runs = runs
        self._queue = QueueWorker(engine, self.name, limits)
        self._membership = Membership(self.name, runs)
        self._stopping = False
        self._steered: dict[str, Steering] = {}
        self._working: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Take runs for the length of the block; those that are left are handed back.

        The process has to end right after it, without a word to DBOS, which would take the end of
        its loop for the end of those runs.

        Raises:
            ConfigError: If the queue cannot be opened.
        """
        await self._membership.enter()
        await asyncio.to_thread(self._queue.start, self._work, asyncio.get_running_loop())
        duties = (self._membership.stay(), self._clear_up(), self._take_orders())
        beside = [asyncio.create_task(duty) for duty in duties]
        try:
            yield
        finally:
            self._stopping = True
            for task in [*beside, *self._working]:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            while self._working:
                await asyncio.sleep(_CLOSING_S)
            await self._membership.leave()
            log_event("worker.stopped", worker=self.name)

    async def _work(self, run_id: str, attempt: int) -> None:
        """Do one entry of the queue; one that is handed back never ends here, as DBOS sees it."""
        task = asyncio.current_task()
        assert task is not None
        self._working.add(task)
        try:
            await self._membership.ensure()
            await self._perform(run_id, attempt)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            self._working.discard(task)
            await asyncio.Event().wait()
        finally:
            self._working.discard(task)

    async def _perform(self, run_id: str, attempt: int) -> None:
        jobs = self._runs.jobs
        job = await jobs.read(run_id)
        if job is None or job.attempt != attempt or job.status == "ended":
            return
        claim = await jobs.claim(job)
        if claim is None:  # it was cancelled or taken meanwhile
            return
        with suppress(RunTakenOver):
            try:
                with claim.stopping():
                    await self._deliberate(job, claim)
            finally:
                jobs.release(claim)

    async def _deliberate(self, job: Job, claim: Claim) -> None:
        store = self._runs.detached
        log = JobLog(job.log_id, store, claim, await last_number(job.log_id, store, job.before))
        log_event("job.started", run_id=job.run_id, attempt=job.attempt)
        try:
            await self._pass_on(job, log)
        except asyncio.CancelledError:
            if not self._stopping and not claim.lost:
                await asyncio.shield(self._end(job, claim, log, {"status": "cancelled"}))
            raise
        except RunTakenOver:
            raise
        except (ConfigError, RunFailed) as error:
            reason = error.reason if isinstance(error, RunFailed) else None
            await self._end(job, claim, log, _failed(str(error), reason))
        except Exception as error:  # noqa: BLE001 - whoever waits for the run has to be told
            log_surprise(error, run_id=job.run_id)
            unexpected = _failed("something unexpected went wrong", "unexpected_error")
            await self._end(job, claim, log, unexpected)
        else:
            await self._end(job, claim, log, {"status": "finished"})

    async def _pass_on(self, job: Job, log: JobLog) -> None:
        depth.set(job.depth)
        steering = self._steered[job.run_id] = Steering()
        try:
            while (found := await self._runs.find(job.run_id)) and found.now == "running":
                await asyncio.sleep(_AT_WORK_S)  # its process is dead, and will be known to be
            events = deliberate(
                cast("list[AnyMessage]", read_messages(job.messages)),
                load_settings(job.settings),
                runs=self._runs,
                run_id=job.run_id,
                take_over=True,
                client=job.client,
                keep=job.keep,
                steering=steering,
            )
            async with aclosing(events):
                async for event in events:
                    log.append(str(event["type"]), event)
        finally:
            self._steered.pop(job.run_id, None)

    async def _end(self, job: Job, claim: Claim, log: JobLog, how: Json) -> None:
        log.append(ENDED, how)
        with suppress(RunTakenOver):  # its server has noted it already
            while not await self._noted(job, claim):
                await asyncio.sleep(_STORE_AWAY_S)
                log.write()
        log_event("job.ended", run_id=job.run_id, **how)

    async def _noted(self, job: Job, claim: Claim) -> bool:
        """Whether the store has it that the job has ended, and its last events."""
        try:
            await self._runs.jobs.end(job, claim)
        except RunTakenOver:
            raise
        except Exception:  # noqa: BLE001 - stores raise their drivers' errors
            return False
        return True

    async def _clear_up(self) -> None:
        """Put the runs of dead workers back into the queue."""
        dead_after_s = self._runs.heartbeat.dead_after_s
        while True:
            with suppress(Exception):  # a store that fails once is asked again
                for dead in await self._runs.jobs.dead_workers(dead_after_s, self.name):
                    count = await asyncio.to_thread(self._queue.recover, dead)
                    await self._runs.jobs.forget_worker(dead)
                    log_event("worker.dead", worker=dead, runs=count)
            await asyncio.sleep(dead_after_s / 4)

    async def _take_orders(self) -> None:
        """Do what clients ask of the runs that are here."""
        while True:
            await asyncio.sleep(_ORDERS_S)
            if not self._steered:
                continue
            with suppress(Exception):
                orders = await self._runs.detached.orders()
                mine = [one for one in orders if one.run_id in self._steered]
                for order in mine:
                    with suppress(ConfigError):
                        steer(self._steered[order.run_id], order.action)
                if mine:
                    self._runs.detached.take(mine)


def _failed(message: str, reason: str | None) -> Json:
    return {"status": "failed", "message": message, "reason": reason}
