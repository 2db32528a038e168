"""Call the models of one seat: every call limited and told; faults retried, then passed on."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from langgraph_fusion.graph.calls.budget import Reserved
from langgraph_fusion.graph.calls.hedge import Race
from langgraph_fusion.graph.calls.holding_off import HoldingOff
from langgraph_fusion.graph.calls.prompt_cache import cache_fields
from langgraph_fusion.graph.calls.retry import CallFailed, Mend, Retrying, unmended
from langgraph_fusion.graph.calls.seat_bill import SeatBill
from langgraph_fusion.graph.calls.stages import share
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.records import Switch
from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.graph.state import Json
from langgraph_fusion.models.answer_text import text_of, verdict_on
from langgraph_fusion.models.factory import ModelOptions, chat_model
from langgraph_fusion.models.faults import Fault, fault_of
from langgraph_fusion.models.providers import ModelRef
from langgraph_fusion.models.usage import Usage, usage_of

Send = Callable[[BaseChatModel], Awaitable[AIMessage]]


class SeatFailed(Exception):
    """No model of the seat gave a usable reply; `fault` is the last one's."""

    def __init__(self, fault: Fault, model: str) -> None:
        super().__init__(f"{model}: {fault.reason}")
        self.fault = fault
        self.model = model


class Remembers(Protocol):
    """Who asks, with what it has learned of the models since the first reply."""

    def remembered(self) -> Json: ...
    def remember(self, known: Json) -> None: ...


@dataclass(frozen=True)
class _Asked:
    """What is asked, of whichever model: `along` is sent with the prompt and costs tokens too."""

    prompt: Sequence[BaseMessage]
    send: Send
    along: Iterable[Any]
    mend: Mend
    grows: bool


class SeatClient(SeatBill):
    """The models of one seat in one stage. Keeps to the model it had to switch to."""

    def __init__(self, seat: ModelSeat, name: str, *, holding_off: HoldingOff, **bill: Any) -> None:
        super().__init__(seat, name, **bill)
        self.switches: list[Switch] = []
        self._holding_off = holding_off
        self._refs = list(seat.models)
        self._race: Race[ModelRef, AIMessage] | None = None
        self._racing: dict[int, ModelRef] = {}
        self.remembers: Remembers | None = None
        self.replayed = False
        """Whether the last reply was written down by an earlier process."""

    @property
    def model(self) -> ModelRef:
        """The model whose turn it is."""
        return self._refs[0]

    @property
    def has_another(self) -> bool:
        """Whether the seat has a model to switch to."""
        return len(self._refs) > 1

    async def reply(
        self,
        prompt: Sequence[BaseMessage],
        send: Send,
        along: Iterable[Any] = (),
        mend: Mend = unmended,
        *,
        grows: bool = False,
    ) -> AIMessage:
        """Return a usable reply: not empty, not refused; it may be truncated or call tools.

        `along` is what is sent with the prompt and costs tokens as well: tools, a schema.
        `grows` says that the prompt will be sent again, one turn longer.

        Raises:
            SeatFailed: If every model of the seat failed.
            BudgetReached: If the next call might pass the spend cap.
        """
        asked = _Asked(prompt, send, along, mend, grows)
        while True:
            try:
                return await self._answered(asked)
            except CallFailed as failed:
                if not self._passed_on(failed):
                    raise SeatFailed(failed.fault, str(failed.ref)) from failed.__cause__

    def asked(self, model: BaseChatModel) -> ModelRef:
        """Which of the seat's models this is."""
        return self._racing.get(id(model), self.model)

    def begins(self, model: BaseChatModel) -> bool:
        """Say that the reply of this model has begun; False if another model has the call."""
        return self._race is None or self._race.begins(self.asked(model))

    def give_up(self, fault: Fault) -> bool:
        """Move to the seat's next model; False if there is none."""
        return self._give_up(self.model, fault)

    def _passed_on(self, failed: CallFailed) -> bool:
        return failed.fault.switch and self.left_s > 0 and self._give_up(failed.ref, failed.fault)

    def _give_up(self, gone: ModelRef, fault: Fault) -> bool:
        if not self.has_another:
            return False
        self._refs.remove(gone)
        self._note_switch(gone, fault.reason, fault.detail)
        return True

    def _note_switch(self, gone: ModelRef, reason: str, detail: str) -> None:
        self.switches.append(Switch(model=str(gone), reason=reason, detail=detail))
        tell(
            "model.switch",
            seat=self._name,
            model=str(gone),
            reason=reason,
            next=str(self.model),
        )

    def affords_another(self, prompt: Sequence[BaseMessage], along: Iterable[Any] = ()) -> bool:
        """Whether the cap would leave enough for one more call after this one and its tools."""
        if not self._limits.capped:
            return True
        planned = self._planned(self.model, prompt, along)
        return self._limits.budget.affords_another(planned, share(self._stage, self._round))

    def least_usd(self, prompt: Sequence[BaseMessage], more_input: int = 0) -> float:
        """What a call costs at most with the smallest output limit worth its money."""
        planned = self._planned(self.model, prompt, ())
        return planned.usd(planned.least, more_input)

    async def _answered(self, asked: _Asked) -> AIMessage:
        after_s = self._seat.hedge_s
        if after_s is None or not self.has_another:
            return await self._with_retries(self.model, asked)
        return await self._hedged(asked, after_s)

    async def _hedged(self, asked: _Asked, after_s: float) -> AIMessage:
        """Ask the next model too when this one is slow to begin; the faster keeps the seat."""
        lead, spare = self._refs[:2]
        runners = {ref: partial(self._with_retries, ref, asked) for ref in (lead, spare)}
        self._race = race = Race(runners, after_s)
        told = {"seat": self._name, "model": str(lead), "next": str(spare), "after_s": after_s}
        try:
            return await race.run(lambda: tell("model.hedge", **told))
        finally:
            self._race = None
            self._racing.clear()
            self._settle_race(race, after_s)

    def _settle_race(self, race: Race[ModelRef, AIMessage], after_s: float) -> None:
        """Drop who failed; a spare that was faster takes the seat, and the lead becomes its spare.

        The lead's own failure is left to `reply`, unless the spare has answered meanwhile.
        """
        lead, spare = self._refs[:2]
        for ref, error in race.failures.items():
            if isinstance(error, CallFailed) and (ref == spare or race.winner == spare):
                self._give_up(ref, error.fault)
        if race.winner == spare and lead in self._refs:
            self._refs[:2] = [spare, lead]
            self._note_switch(lead, "slow", f"had not begun to answer after {after_s:g} s")

    async def _with_retries(self, ref: ModelRef, asked: _Asked) -> AIMessage:
        return await Retrying(
            seat=self._name,
            ref=ref,
            call=partial(self._once, ref, asked),
            mend=asked.mend,
            holding_off=self._holding_off,
            left_s=lambda: self.left_s,
        ).reply()

    async def _once(self, ref: ModelRef, asked: _Asked) -> AIMessage:
        if not self.left_s:
            raise CallFailed(Fault("timeout", "no time was left for this call"), ref)
        reserved = await self._reserve(ref, asked.prompt, asked.along)
        began = time.monotonic()
        fault: Fault | None = None
        usage: Usage | None = None
        try:
            async with asyncio.timeout(min(self._seat.timeout_s, self.left_s)):
                message = await asked.send(self._model(ref, reserved, asked))
            usage = usage_of(message, ref, self._prices)
            fault = _unusable(message)
            if fault is None:
                return message
            raise CallFailed(fault, ref)
        except asyncio.CancelledError as error:
            fault = fault_of(error)
            raise
        except CallFailed:
            raise
        except Exception as error:
            fault = fault_of(error)
            raise CallFailed(fault, ref) from error
        finally:
            self._bill(ref, usage, fault, time.monotonic() - began, reserved)

    def _model(self, ref: ModelRef, reserved: Reserved, asked: _Asked) -> BaseChatModel:
        cached = cache_fields(ref) if asked.grows else {}
        model = chat_model(ref, self._options(reserved, cached))
        if self._race is not None:
            self._racing[id(model)] = ref
        return model

    def _options(self, reserved: Reserved, fields: dict[str, Any]) -> ModelOptions:
        seat = self._seat
        return ModelOptions(
            temperature=seat.temperature,
            reasoning_effort=seat.reasoning_effort,
            max_tokens=reserved.max_tokens,
            timeout_s=seat.timeout_s,
            extra={**fields, **seat.extra},
        )


def _unusable(message: AIMessage) -> Fault | None:
    """Why a reply cannot be used; text that was cut off at the output limit can."""
    fault = verdict_on(message)
    cut_off = fault is not None and fault.reason == "truncated" and bool(text_of(message))
    return None if cut_off else fault
