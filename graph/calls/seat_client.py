"""Call the models of one seat within its limits: faults are retried, then a fallback takes over."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk

from langgraph_fusion.graph.calls.budget import Reserved
from langgraph_fusion.graph.calls.hedge import Race
from langgraph_fusion.graph.calls.holding_off import HoldingOff
from langgraph_fusion.graph.calls.progress import Progress
from langgraph_fusion.graph.calls.prompt_cache import cache_fields
from langgraph_fusion.graph.calls.retry import (
    CallFailed,
    Mend,
    Retrying,
    cannot_mend,
    forget_frames,
)
from langgraph_fusion.graph.calls.run_images import SeatImages, no_images
from langgraph_fusion.graph.calls.seat_bill import Prompt, SeatBill
from langgraph_fusion.graph.errors import RunTakenOver
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.records import Switch
from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.graph.state import Json
from langgraph_fusion.models.answer_text import text_of, verdict_on
from langgraph_fusion.models.factory import ModelOptions, chat_model
from langgraph_fusion.models.faults import Fault, fault_of
from langgraph_fusion.models.http import check_before_sending
from langgraph_fusion.models.loop_share import off_loop
from langgraph_fusion.models.parallel import queue_for
from langgraph_fusion.models.pieces import listen_to_pieces
from langgraph_fusion.models.providers import ModelRef, providers
from langgraph_fusion.models.usage import Usage

LOCAL_SERVER = "local_server"
"""Reason to wait: the server has other calls to work on."""

_SLOW = 4
"""A character is looked through for calls in so many times as long as it is written as JSON."""

Send = Callable[[BaseChatModel], Awaitable[AIMessage]]


def _ignore() -> None:
    """Nobody listens."""


class SeatFailed(Exception):
    """No model of the seat gave a usable reply; `fault` is the last one's."""

    def __init__(self, fault: Fault, model: str) -> None:
        super().__init__(f"{model}: {fault.reason}")
        self.fault = fault
        self.model = model


class Remembers(Protocol):
    """The caller's state: what it has learned of the models since the first reply."""

    def remembered(self) -> Json: ...
    def remember(self, known: Json) -> None: ...


class SeatClient(Protocol):
    """The models of one seat in one stage, as the nodes of the graph call them."""

    bill: SeatBill
    images: SeatImages
    """How its models are sent the run's images."""
    remembers: Remembers | None

    @property
    def model(self) -> ModelRef:
        """The model that is called now."""

    @property
    def has_another(self) -> bool:
        """Whether the seat has a model to switch to."""

    @property
    def switches(self) -> list[Switch]:
        """The models that were given up, in order."""

    @property
    def replayed(self) -> bool:
        """Whether the last reply was written down by an earlier process."""

    async def reply(
        self,
        prompt: Prompt,
        send: Send,
        along: Iterable[Any] = (),
        mend: Mend = cannot_mend,
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

    def ref_of(self, model: BaseChatModel) -> ModelRef:
        """Which of the seat's models this is."""

    def begins(self, model: BaseChatModel) -> bool:
        """Claim the call when this model's reply begins; False if another model has it."""

    def give_up(self, fault: Fault) -> bool:
        """Move to the seat's next model; False if there is none."""


@dataclass(frozen=True)
class _Request:
    """A request for any model of the seat: `along` is sent with the prompt and costs tokens too."""

    prompt: Prompt
    send: Send
    along: Iterable[Any]
    mend: Mend
    grows: bool


class LiveSeatClient:
    """Calls the seat's models. Keeps to the model it had to switch to."""

    replayed = False

    def __init__(
        self,
        seat: ModelSeat,
        bill: SeatBill,
        holding_off: HoldingOff,
        images: SeatImages | None = None,
        *,
        repeats: bool = False,
    ) -> None:
        """`repeats`: the seat may have made calls in another process, of which nothing is known."""
        self.bill = bill
        self.images = images or no_images(seat, bill.name)
        self.switches: list[Switch] = []
        self.remembers: Remembers | None = None
        self.before_call: Callable[[], Awaitable[None]] = nothing
        """Awaited right before every call; an error of it ends the seat's work."""
        self.on_piece: Callable[[], None] = _ignore
        """Called with every piece of a reply."""
        self._repeats = repeats
        self._seat = seat
        self._holding_off = holding_off
        self._refs = list(seat.models)
        self._race: Race[ModelRef, AIMessage] | None = None
        self._racing: dict[int, ModelRef] = {}
        self._set_aside: dict[ModelRef, Reserved] = {}
        """Money of the next call to each model, reserved before a race."""

    @property
    def model(self) -> ModelRef:
        return self._refs[0]

    @property
    def models(self) -> tuple[ModelRef, ...]:
        """The seat's models from now on, the current one first."""
        return tuple(self._refs)

    @property
    def has_another(self) -> bool:
        return len(self._refs) > 1

    async def reply(
        self,
        prompt: Prompt,
        send: Send,
        along: Iterable[Any] = (),
        mend: Mend = cannot_mend,
        *,
        grows: bool = False,
    ) -> AIMessage:
        if self._repeats:
            self._repeats = False
            self.bill.restore_lost(self.model, prompt, along)
        request = _Request(prompt, send, along, mend, grows)
        while True:
            try:
                return await self._answered(request)
            except CallFailed as failed:
                if not self._passed_on(failed):
                    raise SeatFailed(failed.fault, str(failed.ref)) from failed.__cause__

    def ref_of(self, model: BaseChatModel) -> ModelRef:
        return self._racing.get(id(model), self.model)

    def begins(self, model: BaseChatModel) -> bool:
        return self._race is None or self._race.begins(self.ref_of(model))

    def give_up(self, fault: Fault) -> bool:
        return self._give_up(self.model, fault)

    def restore(self, models: Iterable[ModelRef], switches: Iterable[Switch]) -> None:
        """Go on with these models, after switches that an earlier process made."""
        self._refs = list(models)
        for switch in switches:
            self._take(switch)

    def _passed_on(self, failed: CallFailed) -> bool:
        switches = failed.fault.switch and self.bill.left_s > 0
        return switches and self._give_up(failed.ref, failed.fault)

    def _give_up(self, gone: ModelRef, fault: Fault) -> bool:
        if not self.has_another:
            return False
        self._refs.remove(gone)
        self._take(Switch(model=str(gone), reason=fault.reason, detail=fault.detail))
        return True

    def _take(self, switch: Switch) -> None:
        self.switches.append(switch)
        tell(
            "model.switch",
            seat=self.bill.name,
            model=switch.model,
            reason=switch.reason,
            next=str(self.model),
        )

    async def _answered(self, request: _Request) -> AIMessage:
        after_s = self._seat.hedge_s
        if after_s is None or not self.has_another:
            return await self._with_retries(self.model, request)
        return await self._hedged(request, after_s)

    async def _hedged(self, request: _Request, after_s: float) -> AIMessage:
        """Ask the next model too when this one is slow to begin, if there is money for both."""
        lead, spare = self._refs[:2]
        first, second = await self.bill.reserve_two(lead, spare, request.prompt, request.along)
        self._set_aside = {lead: first} if second is None else {lead: first, spare: second}
        try:
            if second is None:
                return await self._with_retries(lead, request)
            return await self._raced(request, after_s)
        finally:
            for unused in self._set_aside.values():
                self.bill.release(unused)
            self._set_aside = {}

    async def _raced(self, request: _Request, after_s: float) -> AIMessage:
        """The faster of the first two models keeps the seat."""
        lead, spare = self._refs[:2]
        runners = {ref: partial(self._with_retries, ref, request) for ref in (lead, spare)}
        self._race = race = Race(runners, after_s)
        facts = {"seat": self.bill.name, "model": str(lead), "next": str(spare), "after_s": after_s}
        try:
            return await race.run(lambda: tell("model.hedge", **facts))
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
            detail = f"had not begun to answer after {after_s:g} s"
            self._take(Switch(model=str(lead), reason="slow", detail=detail))

    async def _with_retries(self, ref: ModelRef, request: _Request) -> AIMessage:
        return await Retrying(
            seat=self.bill.name,
            ref=ref,
            call=partial(self._once, ref, request),
            mend=partial(self._mended, request),
            holding_off=self._holding_off,
            left_s=lambda: self.bill.left_s,
            has_another=self.has_another,
        ).reply()

    def _mended(self, request: _Request, fault: Fault, ref: ModelRef) -> bool:
        """Ask without the images, if they are what the model refuses, or may be."""
        if self.images.refused(fault, ref) or request.mend(fault, ref):
            return True
        return self.images.may_have_refused(fault, ref)

    async def _once(self, ref: ModelRef, request: _Request) -> AIMessage:
        await self.images.get_ready(ref, self.bill.left_s)
        async with self._turn(ref) as waited_s:
            return await self._call(ref, request, waited_s)

    @asynccontextmanager
    async def _turn(self, ref: ModelRef) -> AsyncIterator[float]:
        """Wait for a turn at a server that takes few calls at a time: no call, and not paid."""
        queue = await queue_for(ref)
        if queue is None:
            yield 0.0
            return
        try:
            async with asyncio.timeout(self.bill.left_s):
                waited_s = await queue.take(ref.name, partial(self._tell_queued, ref))
        except TimeoutError:
            said = "the local server was busy with other calls until time was up"
            raise CallFailed(Fault("timeout", said, unsent=True), ref) from None
        try:
            if self._race is not None:
                self._race.sends()
            yield waited_s
        finally:
            queue.leave()

    def _tell_queued(self, ref: ModelRef, ahead: int) -> None:
        if self._race is not None:
            self._race.waits()
        facts = {"seat": self.bill.name, "model": str(ref), "reason": LOCAL_SERVER}
        tell("model.wait", **facts, wait_s=None, ahead=ahead)

    async def _call(self, ref: ModelRef, request: _Request, waited_s: float) -> AIMessage:
        if not self.bill.left_s:
            raise CallFailed(Fault("timeout", "no time was left for this call"), ref)
        reserved = self._set_aside.pop(ref, None)
        if reserved is None:
            reserved = await self.bill.reserve(ref, request.prompt, request.along)
        try:
            await self.before_call()
        except BaseException:
            self.bill.release(reserved)
            raise
        began = time.monotonic()
        fault: Fault | None = None
        usage: Usage | None = None
        try:
            progress = Progress(self.bill.name, str(ref), self.bill.round)
            async with asyncio.timeout(self.bill.left_s):
                with (
                    listen_to_pieces(partial(self._hear, progress)),
                    check_before_sending(self.before_call),
                ):
                    message = await request.send(self._model(ref, reserved, request))
            usage = self.bill.usage_of(message, ref)
            fault = await off_loop(_SLOW * len(message.text), _unusable, message)
            if fault is None:
                self.images.answered(ref)
                return message
            raise CallFailed(fault, ref)
        except (asyncio.CancelledError, RunTakenOver) as error:
            fault = fault_of(error)
            raise
        except CallFailed:
            raise
        except Exception as error:
            fault = _with_way_out(fault_of(error), ref)
            forget_frames(error)
            raise CallFailed(fault, ref) from error
        finally:
            seconds = time.monotonic() - began
            self.bill.settle(ref, usage, fault, seconds, reserved, waited_s=waited_s)

    def _hear(self, progress: Progress, piece: AIMessageChunk) -> None:
        self.on_piece()
        progress.add(piece)

    def _model(self, ref: ModelRef, reserved: Reserved, request: _Request) -> BaseChatModel:
        cached = cache_fields(ref) if request.grows else {}
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


async def nothing() -> None:
    """Before calls of a run that is not kept there is nothing to do."""


def _with_way_out(fault: Fault, ref: ModelRef) -> Fault:
    """Name the variable of a key that was refused, or of an address where no server runs."""
    provider = providers()[ref.provider]
    if fault.reason == "unauthorized" and provider.key:
        return replace(fault, detail=f"check {provider.key} ({fault.detail})")
    if fault.nobody_listens and provider.on_this_machine:
        name = provider.base_url_env
        return replace(fault, detail=f"{fault.detail} Start the server, or set {name}.")
    return fault


def _unusable(message: AIMessage) -> Fault | None:
    """Why a reply cannot be used; text that was cut off at the output limit can."""
    fault = verdict_on(message)
    cut_off = fault is not None and fault.reason == "truncated" and bool(text_of(message))
    return None if cut_off else fault
