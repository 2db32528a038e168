"""Call the models of one seat: every call limited, billed and told; faults retried or passed on."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from langgraph_fusion.graph.budget import BudgetReached, Planned, Reserved
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.limits import Limits
from langgraph_fusion.graph.records import Call, Stage, Switch
from langgraph_fusion.graph.settings import ModelSeat
from langgraph_fusion.graph.stages import share
from langgraph_fusion.graph.worst_case import prompt_tokens
from langgraph_fusion.models.answer_text import text_of, verdict_on
from langgraph_fusion.models.factory import ModelOptions, chat_model
from langgraph_fusion.models.faults import Fault, fault_of
from langgraph_fusion.models.prices import FREE, Price, PriceTable
from langgraph_fusion.models.ref import ModelRef
from langgraph_fusion.models.usage import Usage, usage_of

ATTEMPTS = 3
"""Calls to one model before the seat's next model is tried; as openai's own client (2 retries)."""
CAPPED_MAX_TOKENS = 16_000
"""Output limit sent under a spend cap when the seat has none: the hosted product's default."""

Send = Callable[[BaseChatModel], Awaitable[AIMessage]]


class SeatFailed(Exception):
    """No model of the seat gave a usable reply; `fault` is the last one's."""

    def __init__(self, fault: Fault, model: str) -> None:
        super().__init__(f"{model}: {fault.reason}")
        self.fault = fault
        self.model = model


class _CallFailed(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


class Caller:
    """The models of one seat in one stage. Keeps to the model it had to switch to."""

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
        self.switches: list[Switch] = []
        self._seat = seat
        self._name = name
        self._limits = limits
        self._prices = prices
        self._stage: Stage = stage
        self._round = round
        self._refs = list(seat.models)

    @property
    def model(self) -> ModelRef:
        """The model whose turn it is."""
        return self._refs[0]

    async def reply(
        self, prompt: Sequence[BaseMessage], send: Send, along: Iterable[Any] = ()
    ) -> AIMessage:
        """Return a usable reply: not empty, not refused; it may be truncated or call tools.

        `along` is what is sent with the prompt and costs tokens as well: tools, a schema.

        Raises:
            SeatFailed: If every model of the seat failed.
            BudgetReached: If the next call might pass the spend cap.
        """
        while True:
            try:
                return await self._with_retries(prompt, send, along)
            except _CallFailed as failed:
                if not (failed.fault.switch and self.give_up(failed.fault)):
                    raise SeatFailed(failed.fault, str(self.model)) from failed.__cause__

    def give_up(self, fault: Fault) -> bool:
        """Move to the seat's next model; False if there is none."""
        if len(self._refs) == 1:
            return False
        gone = self._refs.pop(0)
        self.switches.append(Switch(model=str(gone), reason=fault.reason, detail=fault.detail))
        tell(
            "model.switch",
            seat=self._name,
            model=str(gone),
            reason=fault.reason,
            next=str(self.model),
        )
        return True

    def affords_another(self, prompt: Sequence[BaseMessage], along: Iterable[Any] = ()) -> bool:
        """Whether the cap would leave enough for one more call after this one and its tools."""
        if not self._limits.capped:
            return True
        planned = self._planned(prompt, along)
        return self._limits.budget.affords_another(planned, share(self._stage, self._round))

    def least_usd(self, prompt: Sequence[BaseMessage], more_input: int = 0) -> float:
        """What a call costs at most with the smallest output limit worth its money."""
        planned = self._planned(prompt, ())
        return planned.usd(planned.least, more_input)

    async def _with_retries(
        self, prompt: Sequence[BaseMessage], send: Send, along: Iterable[Any]
    ) -> AIMessage:
        attempts = AsyncRetrying(
            retry=retry_if_exception(lambda e: isinstance(e, _CallFailed) and e.fault.retryable),
            stop=self._should_stop,
            wait=_wait,
            before_sleep=self._tell_retry,
            reraise=True,
        )
        return await attempts(self._once, prompt, send, along)

    def _should_stop(self, state: RetryCallState) -> bool:
        """Stop after a few attempts, or when the wait would outlast the stage."""
        left = self._limits.left(self._stage, self._round)
        return stop_after_attempt(ATTEMPTS)(state) or state.upcoming_sleep >= left

    def _tell_retry(self, state: RetryCallState) -> None:
        fault = _fault(state)
        wait_s = round(state.upcoming_sleep, 2)
        reason = fault.reason if fault else "unexpected_error"
        tell("model.retry", seat=self._name, model=str(self.model), reason=reason, wait_s=wait_s)

    async def _once(
        self, prompt: Sequence[BaseMessage], send: Send, along: Iterable[Any]
    ) -> AIMessage:
        ref = self.model
        reserved = await self._reserve(prompt, along)
        began = time.monotonic()
        fault: Fault | None = None
        usage: Usage | None = None
        try:
            left = self._limits.left(self._stage, self._round)
            async with asyncio.timeout(min(self._seat.timeout_s, left)):
                message = await send(chat_model(ref, self._options(reserved)))
            usage = usage_of(message, ref, self._prices)
            fault = _unusable(message)
            if fault is None:
                return message
            raise _CallFailed(fault)
        except asyncio.CancelledError as error:
            fault = fault_of(error)
            raise
        except _CallFailed:
            raise
        except Exception as error:
            fault = fault_of(error)
            raise _CallFailed(fault) from error
        finally:
            self._bill(ref, usage, fault, time.monotonic() - began, reserved)

    def _options(self, reserved: Reserved) -> ModelOptions:
        seat = self._seat
        return ModelOptions(
            temperature=seat.temperature,
            reasoning_effort=seat.reasoning_effort,
            max_tokens=reserved.max_tokens,
            timeout_s=seat.timeout_s,
            extra=seat.extra,
        )

    async def _reserve(self, prompt: Sequence[BaseMessage], along: Iterable[Any]) -> Reserved:
        """Set the call's worst case aside; raises BudgetReached."""
        if not self._limits.capped:
            return Reserved(0.0, self._seat.max_tokens)
        planned = self._planned(prompt, along)
        try:
            async with asyncio.timeout(self._limits.left(self._stage, self._round)):
                return await self._limits.budget.reserve(planned, share(self._stage, self._round))
        except TimeoutError:
            raise BudgetReached(
                "the money was set aside for other calls until time was up"
            ) from None

    def _planned(self, prompt: Sequence[BaseMessage], along: Iterable[Any]) -> Planned:
        output = self._seat.max_tokens or CAPPED_MAX_TOKENS
        return Planned(self._price(), prompt_tokens(prompt, along), output)

    def _price(self) -> Price:
        """The listed price; of a model without one what `unknown_cost` says."""
        if price := self._prices.price_of(self.model):
            return price
        unknown = self._limits.budget.unknown
        if unknown == "refuse":
            raise BudgetReached(f"no price is listed for {self.model}, so the cap cannot be kept")
        return FREE if unknown == "ignore" else self._prices.dearest()

    def _bill(
        self,
        ref: ModelRef,
        usage: Usage | None,
        fault: Fault | None,
        seconds: float,
        reserved: Reserved,
    ) -> None:
        known = usage or _unbilled(fault)
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


def _unusable(message: AIMessage) -> Fault | None:
    """Why a reply cannot be used; text that was cut off at the output limit can."""
    fault = verdict_on(message)
    cut_off = fault is not None and fault.reason == "truncated" and bool(text_of(message))
    return None if cut_off else fault


def _unbilled(fault: Fault | None) -> Usage:
    """No usage came back: free when the provider turned the call away (4xx), else unknown."""
    turned_away = fault is not None and 400 <= (fault.status_code or 0) < 500
    return Usage(cost_usd=0.0 if turned_away else None)


def _fault(state: RetryCallState) -> Fault | None:
    error = state.outcome.exception() if state.outcome else None
    return error.fault if isinstance(error, _CallFailed) else None


def _wait(state: RetryCallState) -> float:
    """What the provider asked for, else 0.5 to 8 seconds, growing, at random."""
    fault = _fault(state)
    if fault is not None and fault.retry_after_s is not None:
        return fault.retry_after_s
    return wait_random_exponential(multiplier=0.5, max=8)(state)
