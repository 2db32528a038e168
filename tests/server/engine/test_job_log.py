"""Events of a job while the store is away for a moment."""

import asyncio
from collections.abc import Iterable
from typing import Any

from langgraph.store.base import Op, Result
from langgraph.store.memory import InMemoryStore

from langgraph_fusion.graph.journal.jobs import Job
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.server.engine.job_log import JobLog


class Restarting(InMemoryStore):
    """A store that can be away."""

    away = False

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        if self.away:
            raise ConnectionError("the database restarts")
        return await super().abatch(ops)


async def test_what_happened_while_the_store_was_away_is_told_in_order_when_it_is_back() -> None:
    store = Restarting()
    async with open_runs(store) as runs:
        assert runs is not None
        job = Job(run_id="one", settings={}, messages=())
        await runs.jobs.write(job)
        claim = await runs.jobs.claim(job)
        assert claim is not None
        log = JobLog(job.log_id, runs.detached, claim, 0, lambda: None)
        told: list[Any] = []
        for number in range(9):
            store.away = 3 <= number < 7
            log.append("member.started", {"number": number})
            await asyncio.sleep(0.01)
            if not store.away:
                told = [event.data for event in await runs.detached.events(job.log_id, 0)]
        assert told == [f'{{"number": {number}}}' for number in range(9)]
        runs.jobs.release(claim)
