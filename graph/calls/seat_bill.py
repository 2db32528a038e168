"""The money of one seat in one stage: what its calls may cost, and what they did cost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
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
from langgraph_fusion.models.providers import ModelRef, providers
from langgraph_fusion.models.usage import Usage, costs_nothing, usage_of
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.search.base import Charge

CAPPED_MAX_TOKENS = 16_000
"""Output limit sent under a spend cap when the seat has none: the hosted product's default."""

LOCAL_MAX_TOKENS = 4_096
"""Output limit of a model on this machine when the seat has none: a small one may never stop by
itself, and 4,096 tokens take a laptop minutes. Ours."""

Prompt = Sequence[BaseMessage]


class SeatBill:
    """Every call of a seat is reserved before it is made, and billed however it ends."""

    def __init__(
        self,
        seat: ModelSeat,
        name: str,
        stage: Stage,
        round: int,
        *,
        limits: Limits,
        prices: PriceTable,
    ) -> None:
        """`name` is a member's letter, `judge`, `synthesizer` or `verifier`."""
        self.name = name
        self.stage: Stage = stage
        self.round = round
        self.calls: list[Call] = []
        self.counted_usd = 0.0
        """What the calls count towards the spend cap."""
        self.unrecorded: list[tuple[Call, float]] = []
        """Searches that no tool call of the journal has yet, and what they count."""
        self.on_call: Callable[[Call, float], None] = lambda call, counted_usd: None
        """Called with every call that has ended, and what it counts towards the spend cap."""
        self._seat = seat
        self._limits = limits
        self._prices = prices

    @property
    def left_s(self) -> float:
        """Seconds the stage still has."""
        return self._limits.left(self.stage, self.round)

    async def reserve(self, ref: ModelRef, prompt: Prompt, along: Iterable[Any]) -> Reserved:
        """Set the worst case of a call aside.

        Raises:
            BudgetReached: If it might pass the spend cap.
        """
        if not self._limits.capped:
            return self._unlimited(ref)
        planned = self._planned(ref, prompt, along)
        async with self._while_there_is_time():
            return await self._limits.budget.reserve(planned, self._share)

    async def reserve_two(
        self, lead: ModelRef, spare: ModelRef, prompt: Prompt, along: Iterable[Any]
    ) -> tuple[Reserved, Reserved | None]:
        """Set the worst cases of two calls aside; the second None if there is no money for it.

        Raises:
            BudgetReached: If the first might pass the spend cap.
        """
        if not self._limits.capped:
            return self._unlimited(lead), self._unlimited(spare)
        first = self._planned(lead, prompt, along)
        try:
            second = self._planned(spare, prompt, along)
        except BudgetReached:  # nobody knows its price
            return await self.reserve(lead, prompt, along), None
        async with self._while_there_is_time():
            return await self._limits.budget.reserve_two(first, second, self._share)

    def release(self, reserved: Reserved) -> None:
        """Give back what was set aside for a call that was not made."""
        self._limits.budget.settle(reserved, 0.0)

    def _unlimited(self, ref: ModelRef) -> Reserved:
        return Reserved(0.0, self._seat.max_tokens or _own_limit(ref))

    @asynccontextmanager
    async def _while_there_is_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.left_s):
                yield
        except TimeoutError:
            raise BudgetReached(
                "the money was set aside for other calls until time was up"
            ) from None

    def settle(
        self,
        ref: ModelRef,
        usage: Usage | None,
        fault: Fault | None,
        seconds: float,
        reserved: Reserved,
        *,
        waited_s: float = 0.0,
    ) -> None:
        """Put a call that has ended on the bill, at what it really cost."""
        known = usage or self._unbilled(fault, ref)
        call = Call(
            stage=self.stage,
            seat=self.name,
            round=self.round,
            model=str(ref),
            input_tokens=known.input_tokens,
            output_tokens=known.output_tokens,
            cached_tokens=known.cached_tokens,
            reasoning_tokens=known.reasoning_tokens,
            cost_usd=known.cost_usd,
            cost_source=known.cost_source,
            seconds=round(seconds, 3),
            began_s=round(max(0.0, self._limits.elapsed_s - seconds), 3),
            waited_s=round(waited_s, 3),
            error=fault.reason if fault else None,
        )
        counted_usd = self._limits.budget.settle(reserved, call.cost_usd)
        self.counted_usd += counted_usd
        self.calls.append(call)
        counted = counted_usd if self._limits.capped else None
        tell("model.call", **call.model_dump(), counted_usd=counted)
        self.on_call(call, counted_usd)

    @contextmanager
    def search(self, engine: str, usd: float) -> Iterator[Charge]:
        """Pay one request to a search engine with this list price; see `Purse`.

        Raises:
            ToolFailure: If the spend cap has no money for it.
        """
        try:
            reserved = self._limits.budget.reserve_usd(usd, self._share)
        except BudgetReached:
            raise ToolFailure("budget", "The spend cap leaves no money for this search.") from None
        charge, began = Charge(), time.monotonic()
        try:
            yield charge
        except BaseException:
            charge.error = charge.error or "cancelled"
            raise
        finally:
            self._settle_search(engine, charge, time.monotonic() - began, reserved)

    def _settle_search(
        self, engine: str, charge: Charge, seconds: float, reserved: Reserved
    ) -> None:
        call = Call(
            kind="search",
            stage=self.stage,
            seat=self.name,
            round=self.round,
            model=engine,
            input_tokens=0,
            output_tokens=0,
            cost_usd=charge.cost_usd,
            cost_source=None if charge.cost_usd is None else "price_table",
            seconds=round(seconds, 3),
            began_s=round(max(0.0, self._limits.elapsed_s - seconds), 3),
            error=charge.error,
        )
        counted_usd = self._limits.budget.settle(reserved, call.cost_usd)
        self.counted_usd += counted_usd
        self.calls.append(call)
        self.unrecorded.append((call, counted_usd))
        counted = counted_usd if self._limits.capped else None
        tell("model.call", **call.model_dump(), counted_usd=counted)

    def usage_of(self, message: Any, ref: ModelRef) -> Usage:
        """The usage of a reply, as the provider reports it or at listed prices."""
        return self._free(usage_of(message, ref, self._prices), ref)

    def restore(self, call: Call, counted_usd: float = 0.0, *, carried: bool) -> None:
        """Put a call of an earlier process on the bill, and send its event."""
        self.calls.append(call.model_copy(update={"carried": carried}))
        tell("model.call", **self.calls[-1].model_dump(), counted_usd=counted_usd, replayed=True)
        self.count(counted_usd)

    def restore_lost(self, ref: ModelRef, prompt: Prompt, along: Iterable[Any]) -> None:
        """Put a call on the bill that was under way when its process was stopped.

        What it cost is unknown, unless the model costs nothing; it counts as its worst case.
        """
        used = self._unbilled(None, ref)
        lost = Call(
            stage=self.stage,
            seat=self.name,
            round=self.round,
            model=str(ref),
            error="interrupted",
            cost_usd=used.cost_usd,
            cost_source=used.cost_source,
        )
        self.restore(lost, self._worst_usd(ref, prompt, along), carried=False)

    def count(self, counted_usd: float) -> None:
        """Count dollars of an earlier process towards the spend cap."""
        self._limits.budget.spent_usd += counted_usd
        self.counted_usd += counted_usd

    def affords_another(self, ref: ModelRef, prompt: Prompt, along: Iterable[Any]) -> bool:
        """Whether the cap would leave enough for one more call after this one and its tools."""
        if not self._limits.capped:
            return True
        planned = self._planned(ref, prompt, along)
        return self._limits.budget.affords_another(planned, self._share)

    def least_usd(self, ref: ModelRef, prompt: Prompt, more_input: int) -> float:
        """What a call costs at most with the smallest output limit worth its money."""
        planned = self._planned(ref, prompt, ())
        return planned.usd(planned.least, more_input)

    def _unbilled(self, fault: Fault | None, ref: ModelRef) -> Usage:
        """No usage came back: free where that is certain, else unknown."""
        free = fault is not None and costs_nothing(fault, ref)
        return self._free(Usage(cost_usd=0.0 if free else None), ref)

    def _free(self, used: Usage, ref: ModelRef) -> Usage:
        """Of a model that costs nothing the cost is known, whatever its server counts."""
        if used.cost_usd is None and self._prices.price_of(ref) == FREE:
            return replace(used, cost_usd=0.0, cost_source="price_table")
        return used

    @property
    def _share(self) -> float:
        return share(self.stage, self.round)

    def _worst_usd(self, ref: ModelRef, prompt: Prompt, along: Iterable[Any]) -> float:
        if not self._limits.capped or self._limits.budget.unknown == "ignore":
            return 0.0
        planned = self._planned(ref, prompt, along)
        return planned.usd(planned.max_tokens)

    def _planned(self, ref: ModelRef, prompt: Prompt, along: Iterable[Any]) -> Planned:
        output = self._seat.max_tokens or _own_limit(ref) or CAPPED_MAX_TOKENS
        return Planned(self._price(ref), prompt_tokens(prompt, along), output)

    def _price(self, ref: ModelRef) -> Price:
        """The listed price; of a model without one what `unknown_cost` says."""
        if price := self._prices.price_of(ref):
            return with_cache_writes(price, ref)
        unknown = self._limits.budget.unknown
        if unknown == "refuse":
            raise BudgetReached(f"no price is listed for {ref}, so the cap cannot be kept")
        return FREE if unknown == "ignore" else self._prices.dearest()


def _own_limit(ref: ModelRef) -> int | None:
    """The output limit of a model whose server sets none; None leaves it to the provider."""
    return LOCAL_MAX_TOKENS if providers()[ref.provider].on_this_machine else None
