"""Runs that a server hands to worker processes: what is to be done, and what came of it.

Namespaces: `langgraph_fusion/jobs` the job of every such run, until its server has the result;
`langgraph_fusion/events/job-<run id>` its events (`detached_runs.py`); `langgraph_fusion/stopped`
what cancelled ones have cost; `langgraph_fusion/workers` who works, told by heartbeats.
"""

import json
import uuid
from typing import Literal

from langgraph.store.base import BaseStore, PutOp
from pydantic import BaseModel, ConfigDict, Field

from langgraph_fusion.graph.journal.entries import Json
from langgraph_fusion.graph.journal.journal import as_text
from langgraph_fusion.graph.journal.stores.claim import CLAIM, Claim, silent_s
from langgraph_fusion.graph.journal.stores.claiming_store import claiming
from langgraph_fusion.graph.journal.stores.heartbeat import Heartbeat
from langgraph_fusion.graph.journal.stores.write_batcher import StoreWriter

_JOBS = ("langgraph_fusion", "jobs")
_WORKERS = ("langgraph_fusion", "workers")
_STOPPED = ("langgraph_fusion", "stopped")
_STOPPED_MINUTES = 5.0
_ALL = 1_000_000
_GONE = "gone"
ENDED = "job.ended"
"""Type of the last event of a job; its data says how it ended."""


class Job(BaseModel):
    """One run for any worker. It is all that a worker needs to know."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    run_id: str
    attempt: int = 1
    """How often the run was handed over: again after it was stopped or has failed."""
    status: Literal["queued", "running", "ended"] = "queued"
    taken: int = 0
    """How many workers have begun with it, one after the other."""
    client: str | None = None
    settings: Json
    messages: tuple[Json, ...]
    keep: bool | None = None
    depth: int = 0
    """How many deliberations the request is already inside of."""
    before: int = 0
    """Number of the last event of the attempts before."""
    token: str = Field(default_factory=lambda: uuid.uuid4().hex[:8])
    """Tells this attempt from one of a job that was forgotten."""

    @property
    def work_id(self) -> str:
        """Id of this attempt in the queue."""
        return f"{self.run_id}.{self.attempt}.{self.token}"

    @staticmethod
    def run_of(work_id: str) -> str:
        """The run's id in a `work_id`."""
        return work_id.partition(".")[0]

    @property
    def log_id(self) -> str:
        """Under which its events are stored."""
        return f"job-{self.run_id}"


class Jobs:
    """The jobs and workers in a store of runs."""

    def __init__(
        self, store: BaseStore, writer: StoreWriter, heartbeat: Heartbeat, ttl: float | None
    ) -> None:
        """`ttl` is minutes."""
        self._store = store
        self._claiming = claiming(store)
        self._writer = writer
        self._heartbeat = heartbeat
        self._ttl = ttl

    async def read(self, run_id: str) -> Job | None:
        """None if there is none."""
        item = await self._store.aget(_JOBS, run_id, refresh_ttl=False)
        return Job.model_validate_json(item.value["text"]) if item else None

    async def write(self, job: Job) -> None:
        """Return once it would survive a crash."""
        await self._writer.write(self._put(job, None))

    async def claim(self, job: Job) -> Claim | None:
        """Begin to work on a job; whoever worked on it before can write nothing more.

        None if it has changed since it was read.
        """
        claim = Claim((_JOBS, job.run_id), job.run_id, begins=False)
        mine = job.model_copy(update={"status": "running", "taken": job.taken + 1})
        if not await self._claiming.take(self._put(mine, claim), as_text(job.model_dump())):
            return None
        self._heartbeat.add(claim)
        return claim

    async def end(self, job: Job, claim: Claim) -> None:
        """Note that nothing more is to be done; raises RunTakenOver if the claim is lost."""
        self._heartbeat.remove(claim)
        ended = job.model_copy(update={"status": "ended"})
        await self._writer.write(self._put(ended, claim), claim=claim)

    async def cancel(self, job: Job) -> Job | None:
        """End a job, so that whoever works on it can write nothing more.

        Returns what it was until then, None if it had ended.
        """
        while (now := await self.read(job.run_id)) is not None and now.work_id == job.work_id:
            if now.status == "ended":
                return None
            ended = now.model_copy(update={"status": "ended"})
            if await self._claiming.take(self._put(ended, None), as_text(now.model_dump())):
                return now
        return None

    async def tell_stopped(self, job: Job, settled_usd: float | None) -> None:
        """Say what the calls of a job that was cancelled have cost at most, by its worker."""
        ttl = _STOPPED_MINUTES if self._ttl is not None else None
        said = {"text": as_text({"settled_usd": settled_usd})}
        await self._writer.write(PutOp(_STOPPED, job.work_id, said, False, ttl))

    async def take_stopped(self, job: Job) -> Json | None:
        """What was said of a cancelled job, once; None if nothing was so far."""
        item = await self._store.aget(_STOPPED, job.work_id, refresh_ttl=False)
        if item is None:
            return None
        self._writer.soon(PutOp(_STOPPED, job.work_id, None))
        return ending(item.value["text"])

    def release(self, claim: Claim) -> None:
        """Say no more that this process works on a job."""
        self._heartbeat.remove(claim)

    async def remove(self, job: Job) -> None:
        """Forget a job with its events, once its server has what came of it."""
        space = ("langgraph_fusion", "events", job.log_id)
        items = await self._store.asearch(space, limit=_ALL, refresh_ttl=False)
        events = [PutOp(space, item.key, None) for item in items if item.namespace == space]
        await self._writer.write(*events, PutOp(_JOBS, job.run_id, None))

    async def enter(self, worker: str) -> Claim:
        """Say from now on that this worker lives."""
        claim = Claim((_WORKERS, worker), worker, begins=True)
        await self._writer.write(self._worker(worker, worker, claim), claim=claim)
        self._heartbeat.add(claim)
        return claim

    async def leave(self, worker: str, claim: Claim) -> None:
        """Say that this worker has gone, so that others take up what it had."""
        self._heartbeat.remove(claim)
        await self._writer.write(self._worker(worker, _GONE, claim), claim=claim)

    async def dead_workers(self, dead_after_s: float, me: str) -> list[str]:
        """Workers that have gone, or said nothing for so long, for this one to clear up after.

        Of many that ask, one is told of each; it calls `forget_worker` when it has done so.
        """
        now = await self._claiming.now()
        dead = []
        for item in await self._store.asearch(_WORKERS, limit=_ALL, refresh_ttl=False):
            gone = item.value["text"] == _GONE
            if item.key == me or not (gone or silent_s(item, now) > dead_after_s):
                continue
            mine = self._worker(item.key, f"{item.value['text']}, cleared by {me}", None)
            if await self._claiming.take(mine, item.value["text"]):
                dead.append(item.key)
        return dead

    async def forget_worker(self, worker: str) -> None:
        await self._writer.write(PutOp(_WORKERS, worker, None))

    def _put(self, job: Job, claim: Claim | None) -> PutOp:
        value = {"client": job.client or "", "run": job.run_id, "text": as_text(job.model_dump())}
        if claim is not None:
            value[CLAIM] = claim.token
        return PutOp(_JOBS, job.run_id, value, False, self._ttl)

    def _worker(self, worker: str, text: str, claim: Claim | None) -> PutOp:
        value = {"text": text} | ({CLAIM: claim.token} if claim else {})
        return PutOp(_WORKERS, worker, value, False, self._ttl)


def ending(data: str) -> Json:
    """What the last event of a job says: `status`, and of a failure `reason` and `message`."""
    found: Json = json.loads(data)
    return found
