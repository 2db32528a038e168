"""A worker that was taken for dead, as one is that slept for long, and lives."""

import asyncio
from contextlib import suppress

from langgraph.store.memory import InMemoryStore

from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.server.engine.membership import Membership


async def test_a_worker_that_was_taken_for_dead_enters_again_and_its_death_is_noticed() -> None:
    store = InMemoryStore()
    async with open_runs(store, dead_after_s=0.04) as mine, open_runs(store) as others:
        assert mine is not None
        assert others is not None
        membership = Membership("sleeper", mine)
        await membership.ensure()
        staying = asyncio.create_task(membership.stay())
        for _ in range(3):
            async with asyncio.timeout(60):
                while await others.jobs.dead_workers(0.0, "other") != ["sleeper"]:
                    await asyncio.sleep(0.01)
            await others.jobs.forget_worker("sleeper")
        staying.cancel()
        with suppress(asyncio.CancelledError):
            await staying
