"""The spend cap of a whole evaluation, shared by all of its runs and judges."""

import asyncio

from langgraph_fusion.graph.calls.budget import Budget, BudgetReached, Planned, Reserved
from langgraph_fusion.graph.settings import UnknownCost


class EvalBudget(Budget):
    """A call that might pass the cap is never made: it waits until the evaluation is stopped.

    A run that was told that its money is used up would end with a worse answer, and that answer
    would be measured. So nobody is told: `exhausted` is set once the calls under way are settled,
    the evaluation stops its runs, and their journals go on from there another time.

    Without a cap (None) it only adds up. Not covered: what search services charge.
    """

    def __init__(self, cap_usd: float | None, unknown: UnknownCost = "worst_case") -> None:
        super().__init__(cap_usd, unknown)
        self.exhausted = asyncio.Event()
        self._closed = False

    async def reserve(self, call: Planned, share: float) -> Reserved:
        """Set aside the worst case of a call; stages have no shares of this cap."""
        if not self._closed:
            try:
                return await super().reserve(call, 1.0)
            except BudgetReached:
                self._closed = True
        while self._under_way:
            await self._settled.wait()
        self.exhausted.set()
        await asyncio.Event().wait()  # until it is cancelled
        raise AssertionError("unreachable")

    def left(self, share: float) -> bool:
        return True
