"""The money of one seat in one stage: what its calls may cost, and what they did cost."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from langgraph_fusion.graph.calls.budget import BudgetReached, Planned, Reserved
from langgraph_fusion.graph.calls.limits import Limits
from langgraph_fusion.graph.calls.prompt_cache import with_cache_writes
from langgraph_fusion.graph.calls.stages import share
from langgraph_fusion.graph.calls.worst_case import prompt_tokens
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.records import Call, Stage
from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.prices import FREE, Price, PriceTable
from langgraph_fusion.models.providers import ModelRef
from langgraph_fusion.models.usage import Usage, costs_nothing

CAPPED_MAX_TOKENS = 16_000
"""Output limit sent under a spend cap when the seat has none: the hosted product's default."""


class SeatBill:
    """Every call of a seat is reserved before it is made, and billed however it ends."""

    def __init__(
        self,
        seat: ModelSeat,
        name: str,
        *,
        limits: Limits,
        prices: PriceTable,
        stage: Stage,
        round: int = 0,
    ) -> None:
        self.calls: list[Call] = []
        self.counted_usd = 0.0
        """What its calls count towards the spend cap; kept by a caller that writes down."""
        self._seat = seat
        self._name = name
        self._limits = limits
        self._prices = prices
        self._stage: Stage = stage
        self._round = round

    @property
    def left_s(self) -> float:
        """Seconds the stage still has."""
        return self._limits.left(self._stage, self._round)

    async def _reserve(
        self, ref: ModelRef, prompt: Sequence[BaseMessage], along: Iterable[Any]
    ) -> Reserved:
        """Set the call's worst case aside; raises BudgetReached."""
        if not self._limits.capped:
            return Reserved(0.0, self._seat.max_tokens)
        planned = self._planned(ref, prompt, along)
        try:
            async with asyncio.timeout(self.left_s):
                return await self._limits.budget.reserve(planned, share(self._stage, self._round))
        except TimeoutError:
            raise BudgetReached(
                "the money was set aside for other calls until time was up"
            ) from None

    def _planned(
        self, ref: ModelRef, prompt: Sequence[BaseMessage], along: Iterable[Any]
    ) -> Planned:
        output = self._seat.max_tokens or CAPPED_MAX_TOKENS
        return Planned(self._price(ref), prompt_tokens(prompt, along), output)

    def _price(self, ref: ModelRef) -> Price:
        """The listed price; of a model without one what `unknown_cost` says."""
        if price := self._prices.price_of(ref):
            return with_cache_writes(price, ref)
        unknown = self._limits.budget.unknown
        if unknown == "refuse":
            raise BudgetReached(f"no price is listed for {ref}, so the cap cannot be kept")
        return FREE if unknown == "ignore" else self._prices.dearest()

    def _bill(
        self,
        ref: ModelRef,
        usage: Usage | None,
        fault: Fault | None,
        seconds: float,
        reserved: Reserved,
    ) -> None:
        known = usage or _unbilled(fault, ref)
        call = Call(
            stage=self._stage,
            seat=self._name,
            round=self._round,
            model=str(ref),
            input_tokens=known.input_tokens,
            output_tokens=known.output_tokens,
            cached_tokens=known.cached_tokens,
            reasoning_tokens=known.reasoning_tokens,
            cost_usd=known.cost_usd,
            cost_source=known.cost_source,
            seconds=round(seconds, 3),
            error=fault.reason if fault else None,
        )
        self._limits.budget.settle(reserved, call.cost_usd)
        self.calls.append(call)
        tell("model.call", **call.model_dump())


def _unbilled(fault: Fault | None, ref: ModelRef) -> Usage:
    """No usage came back: free where that is certain, else unknown."""
    free = fault is not None and costs_nothing(fault, ref)
    return Usage(cost_usd=0.0 if free else None)
