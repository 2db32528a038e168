"""That a worker is known to live: the others go on with the runs of one that has fallen silent."""

import asyncio
from contextlib import suppress

from langgraph_fusion.graph.errors import RunTakenOver
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.stores.claim import Claim

_TRY_AGAIN_S = 0.1


class Membership:
    """One worker's place among the workers of a store.

    A worker that slept, or could not reach the store, for too long has been taken for dead: its
    runs were given to others and its place is gone. It enters again before it begins another run,
    because the death of a worker without a place is noticed by nobody.
    """

    def __init__(self, name: str, runs: RunRepository) -> None:
        self._name = name
        self._runs = runs
        self._claim: Claim | None = None

    async def enter(self) -> None:
        """Say from now on that this worker lives; raises what the store raises."""
        self._claim = await self._runs.jobs.enter(self._name)

    async def ensure(self) -> None:
        """Return once the worker has its place, which costs a question only after a silence."""
        while True:
            with suppress(RunTakenOver):  # others are still clearing up what it had
                if self._claim is None:
                    await self.enter()
                if self._claim is not None:
                    await self._runs.heartbeat.check(self._claim)
                    return
            self._claim = None
            await asyncio.sleep(_TRY_AGAIN_S)

    async def stay(self) -> None:
        """Keep the place until cancelled."""
        while True:
            await asyncio.sleep(self._runs.heartbeat.dead_after_s / 4)
            with suppress(Exception):  # a store that fails once is asked again
                await self.ensure()

    async def leave(self) -> None:
        """Say that this worker has gone, so that others take up what it had."""
        if self._claim is not None and not self._claim.lost:
            with suppress(RunTakenOver):
                await self._runs.jobs.leave(self._name, self._claim)
