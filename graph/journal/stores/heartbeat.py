"""Say that a process lives, and learn which of its runs another one has taken over."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from langgraph_fusion.graph.journal.stores.claim import Claim, boot_time
from langgraph_fusion.graph.journal.stores.claiming_store import ClaimingStore

DEAD_AFTER_S = 120.0
"""A process that has said nothing for so long counts as gone, where nothing else is known of it."""
_ANSWER_S = 10.0
"""How long a call waits for a store that does not say whether the run is still ours."""


class Heartbeat:
    """The claims under which a process works. For one event loop only."""

    def __init__(self, store: ClaimingStore, dead_after_s: float = DEAD_AFTER_S) -> None:
        self.dead_after_s = dead_after_s
        self._store = store
        self._every_s = dead_after_s / 4
        self._claims: set[Claim] = set()
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._beating = asyncio.create_task(self._go_on_beating())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating

    def add(self, claim: Claim) -> None:
        """Say from now on that this process works under the claim."""
        self._claims.add(claim)

    def remove(self, claim: Claim) -> None:
        """Say so no more."""
        self._claims.discard(claim)

    async def check(self, claim: Claim) -> None:
        """Ask the store if the claim is valid, unless it has just said so. Before paid calls.

        A store that does not answer stops nobody here: what it keeps cannot be taken over from it
        either, unless only this process is cut off.

        Raises:
            RunTakenOver: If another process has the run.
        """
        claim.check()
        if boot_time() - claim.confirmed_at < 2 * self._every_s:
            return
        await self.ask(claim)
        claim.check()

    async def ask(self, *claims: Claim) -> None:
        """Ask the store if claims are valid, and lose those that are not."""
        with suppress(Exception):  # stores raise their drivers' errors
            async with asyncio.timeout(_ANSWER_S):
                await self._beat(claims)

    async def _beat(self, claims: Iterable[Claim]) -> None:
        """Leave out what has yet to be written: its item may be made after the store has looked."""
        if made := [claim for claim in claims if not claim.begins]:
            await self._store.beat(made)

    async def _go_on_beating(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            self._claims = {claim for claim in self._claims if not claim.lost}
            with suppress(Exception):  # a store that fails once is asked again
                await self._beat(self._claims)
