"""A worker process: it takes runs out of the queue, deliberates, and stores their events.

A worker that dies is noticed by the others, by the database's clock: they put its runs back into
the queue, and whoever takes one goes on with it from its journal. A worker that is asked to end
hands its runs back at once.
"""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import cast

from langchain_core.messages import AnyMessage

from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.errors import ConfigError, RunFailed, RunTakenOver
from langgraph_fusion.graph.journal.detached_runs import Order
from langgraph_fusion.graph.journal.entries import Json, read_messages
from langgraph_fusion.graph.journal.jobs import ENDED, Job
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.stores.claim import Claim
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.models.depth import depth
from langgraph_fusion.server.engine.job_log import JobLog
from langgraph_fusion.server.engine.membership import Membership
from langgraph_fusion.server.engine.notices import (
    ORDERS,
    notices_at,
    of_cancelled,
    of_job,
    of_reply,
)
from langgraph_fusion.server.engine.queue import Limits, QueueWorker
from langgraph_fusion.server.logging import log_event, log_surprise
from langgraph_fusion.server.runs.event_log import last_number
from langgraph_fusion.server.runs.steer import steer

_ORDERS_S = 0.25
_CANCELLED_S = 0.5
_AT_WORK_S = 0.2
_STORE_AWAY_S = 0.5


class Worker:
    """The runs that one worker process works on. For one event loop only."""

    def __init__(self, runs: RunRepository, engine: str, limits: Limits) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._runs = runs
        self._queue = QueueWorker(engine, self.name, limits)
        self._membership = Membership(self.name, runs)
        self._notices = notices_at(engine)
        self._stopping = False
        self._steered: dict[str, Steering] = {}
        self._claims = set[Claim]()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Take runs for the length of the block; those that are left are handed back.

        Raises:
            ConfigError: If the queue cannot be opened.
        """
        async with self._notices.open():
            await self._membership.enter()
            async with self._queue.taking(self._perform, self._notices):
                duties = (
                    self._membership.stay(),
                    self._clear_up(),
                    self._take_orders(),
                    self._look_for_cancelled(),
                )
                beside = [asyncio.create_task(duty) for duty in duties]
                try:
                    yield
                finally:
                    self._stopping = True
                    for task in beside:
                        task.cancel()
                    await asyncio.gather(*beside, return_exceptions=True)
            await self._membership.leave()
        log_event("worker.stopped", worker=self.name)

    async def _perform(self, work_id: str) -> None:
        """Do one entry of the queue, or nothing if it is out of date."""
        await self._membership.ensure()
        jobs = self._runs.jobs
        job = await self._job(work_id)
        if job is None or job.work_id != work_id or job.status == "ended":
            return
        claim = await jobs.claim(job)
        if claim is None:  # it was cancelled or taken meanwhile
            return
        with suppress(RunTakenOver):
            try:
                with claim.stopping(), self._cancelled_at_once(job, claim):
                    await self._deliberate(job, claim)
            finally:
                jobs.release(claim)

    async def _job(self, work_id: str) -> Job | None:
        """What is to be done; a store that is away is waited for: the run is this worker's."""
        while True:
            with suppress(Exception):  # stores raise their drivers' errors
                return await self._runs.jobs.read(Job.run_of(work_id))
            await asyncio.sleep(_STORE_AWAY_S)

    @contextmanager
    def _cancelled_at_once(self, job: Job, claim: Claim) -> Iterator[None]:
        """Ask whether the run is still this worker's when a notice says that it was cancelled."""
        asking = set[asyncio.Task[None]]()

        def ask() -> None:
            task = asyncio.create_task(self._runs.heartbeat.ask(claim))
            asking.add(task)
            task.add_done_callback(asking.discard)

        self._claims.add(claim)
        try:
            with self._notices.calling(of_cancelled(job.run_id), ask):
                yield
        finally:
            self._claims.discard(claim)

    async def _deliberate(self, job: Job, claim: Claim) -> None:
        store = self._runs.detached
        log = JobLog(
            job.log_id,
            store,
            claim,
            await self._last_event(job),
            lambda: self._notices.tell(of_job(job.run_id)),
        )
        log_event("job.started", run_id=job.run_id, attempt=job.attempt)
        try:
            await self._pass_on(job, log, claim)
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

    async def _last_event(self, job: Job) -> int:
        if job.status == "queued":  # and nobody has begun with it
            return job.before
        return await last_number(job.log_id, self._runs.detached, job.before)

    async def _pass_on(self, job: Job, log: JobLog, claim: Claim) -> None:
        """Go on with the run until it has ended, also when somebody else resumed it meanwhile."""
        while True:
            with suppress(RunTakenOver):
                await self._go_on(job, log, claim)
                return
            claim.check()
            found = await self._runs.find(job.run_id)
            if found is not None and found.owner == self._runs.me():  # nobody else will end it
                raise RunFailed("the store of runs gave this run away; ask again", "taken_over")

    async def _go_on(self, job: Job, log: JobLog, claim: Claim) -> None:
        depth.set(job.depth)
        steering = self._steered[job.log_id] = Steering()
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
            self._steered.pop(job.log_id, None)
            if claim.lost:
                await self._tell_stopped(job, steering.settled_usd)

    async def _tell_stopped(self, job: Job, settled_usd: float | None) -> None:
        """Tell whoever has cancelled the run what it has cost; it waits for that for a moment."""
        with suppress(Exception):  # then the run stays charged in full
            await self._runs.jobs.tell_stopped(job, settled_usd)
            self._notices.tell(of_job(job.run_id))

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
                    count = await self._queue.recover(dead)
                    await self._runs.jobs.forget_worker(dead)
                    log_event("worker.dead", worker=dead, runs=count)
                await self._queue.recover_lost()
            await asyncio.sleep(dead_after_s / 4)

    async def _look_for_cancelled(self) -> None:
        """Stop runs that were cancelled, where no notice says so."""
        while True:
            await asyncio.sleep(_CANCELLED_S)
            if self._claims and not self._notices.hears:
                await self._runs.heartbeat.ask(*self._claims)

    async def _take_orders(self) -> None:
        """Do what clients ask of the runs that are here."""
        with self._notices.listening(ORDERS) as heard:
            while True:
                await heard.wait(_ORDERS_S)
                if not self._steered:
                    continue
                with suppress(Exception):
                    for order in await self._runs.detached.orders():
                        if steering := self._steered.get(order.run_id):
                            await self._runs.detached.reply(order, _steered(steering, order))
                            self._notices.tell(of_reply(order.key))


def _steered(steering: Steering, order: Order) -> Json:
    """Do what is asked of a run, and return why not, if it cannot be done."""
    try:
        steer(steering, order.action)
    except ConfigError as error:
        return {"message": str(error)}
    return {}


def _failed(message: str, reason: str | None) -> Json:
    return {"status": "failed", "message": message, "reason": reason}
