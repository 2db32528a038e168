"""The writer's text: streamed, continued when it was cut off, in the form the caller asked for."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolCall
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.runnables import Runnable

from langgraph_fusion.graph.calls.budget import BudgetReached
from langgraph_fusion.graph.calls.retry import Mend, cannot_mend
from langgraph_fusion.graph.calls.seat_client import SeatClient, SeatFailed
from langgraph_fusion.graph.calls.tool_call_repair import known_calls
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.request.response_format import Form, WrongForm, parse_form
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.graph.state import Json
from langgraph_fusion.models.answer_text import finish_reason
from langgraph_fusion.models.faults import fault_of
from langgraph_fusion.models.loop_share import off_loop
from langgraph_fusion.models.tool_markup import strip_tool_markup

CONTINUATIONS = 3
"""How often a writer that hit its output limit is asked to go on."""
_SLOW = 4
"""A character is looked through for calls in so many times as long as it is written as JSON."""
REPAIRS = 2
"""How often one writer is told what is wrong with the form, before the next one takes over."""


@dataclass(frozen=True)
class Written:
    """A text, calls of the caller's tools, or both."""

    text: str
    tool_calls: list[ToolCall] = field(default_factory=list)


class Writer:
    """The synthesizer's models at work on one prompt."""

    def __init__(
        self, run: Run, client: SeatClient, mend: Mend = cannot_mend, *, held: bool = False
    ) -> None:
        """`held` passes nothing on while it writes: `release` does, once the text is final."""
        self._run = run
        self._client = client
        self._mend = mend
        self._settings = run.settings
        self._form = run.settings.response_format
        self._held = held or bool(self._form)

    async def write(self, messages: list[BaseMessage]) -> Written:
        """Return the whole text; of several writers, the first that keeps to the form.

        Repairs are appended to `messages`, which `mend` may change in place.

        Raises:
            SeatFailed: If every writer failed.
            BudgetReached: If the next call might pass the spend cap.
        """
        return await self._by_whoever_keeps_to_the_form(messages)

    def release(self, text: str) -> None:
        """Pass on the final text, if that was not done piece by piece, and the end of writing."""
        if self._held and text:
            tell("writer.delta", text=text)
        tell("writer.finished", model=str(self._client.model), reason=None)

    async def _by_whoever_keeps_to_the_form(self, messages: list[BaseMessage]) -> Written:
        as_asked = len(messages)
        while True:
            try:
                return await self._in_form(messages)
            except WrongForm as wrong:
                if not self._client.give_up(wrong.fault):
                    note = f"The answer is not in the form that was asked for: {wrong}"
                    self._run.degrade("response_format", note)
                    return Written(wrong.text)
                del messages[as_asked:]

    async def _in_form(self, talk: list[BaseMessage]) -> Written:
        """Write, and repair what is not in the form; raises WrongForm at last."""
        written = await self._whole(talk)
        for attempt in range(REPAIRS + 1):
            if self._form is None or written.tool_calls:
                break
            try:
                text = await asyncio.to_thread(parse_form, written.text, self._form)
                return Written(text)
            except WrongForm as wrong:
                if attempt == REPAIRS:
                    raise
                talk += _sent_back(wrong, attempt + 1)
                written = await self._again(talk, wrong)
        return written

    async def _again(self, talk: list[BaseMessage], wrong: WrongForm) -> Written:
        """Write again; without a reply what there was stays wrong."""
        try:
            return await self._whole(talk)
        except (SeatFailed, BudgetReached):
            raise wrong from None

    async def _whole(self, messages: list[BaseMessage]) -> Written:
        reply = await self._reply(messages, first=True)
        text = str(reply.text)
        for _ in range(CONTINUATIONS):
            if finish_reason(reply) != "length" or reply.tool_calls:
                break
            talk = [*messages, AIMessage(text), HumanMessage(prompt("continue"))]
            try:
                reply = await self._reply(talk, first=False)
            except (SeatFailed, BudgetReached):
                break
            text += str(reply.text)
        if finish_reason(reply) == "length":
            note = "The answer is cut off at the writer's output limit."
            self._run.degrade("synthesizer_truncated", note)
        bare = await off_loop(_SLOW * len(text), strip_tool_markup, text)
        return Written(bare.strip(), reply.tool_calls)

    async def _reply(self, messages: Sequence[BaseMessage], *, first: bool) -> AIMessage:
        form = self._form if first else None

        async def send(model: BaseChatModel) -> AIMessage:
            if first:
                mode = self._settings.mode
                tell("writer.started", model=str(self._client.model), mode=mode)
            return await self._sent(model, messages, form)

        along = [*self._settings.client_tools, form or {}]
        mend = self._mend if first else cannot_mend
        reply = await self._client.reply(messages, send, along, mend)
        if self._client.replayed:
            self._replay_events(reply, first=first)
        return reply

    def _replay_events(self, reply: AIMessage, *, first: bool) -> None:
        """Send the events of a reply that was paid for in an earlier process."""
        if first:
            tell("writer.started", model=str(self._client.model), mode=self._settings.mode)
        if reply.text and not self._held:
            tell("writer.delta", text=str(reply.text))

    async def _sent(
        self, model: BaseChatModel, messages: Sequence[BaseMessage], form: Form | None
    ) -> AIMessage:
        """Ask for the form; a provider that refuses the field is asked in words alone."""
        if form is not None:
            try:
                return await self._stream(model, messages, response_format=form)
            except Exception as error:
                if fault_of(error).status_code not in (400, 404, 422):
                    raise
        return await self._stream(model, messages)

    async def _stream(
        self, model: BaseChatModel, messages: Sequence[BaseMessage], **fields: Any
    ) -> AIMessage:
        """Collect a streamed reply and pass it on piece by piece, if this model's text is shown.

        In a form nothing is passed on before it is whole: half a wrong JSON helps nobody. Nor is a
        draft that may be revised.
        """
        chunks: list[AIMessageChunk] = []
        shown = self._client.images.shown(messages, self._client.ref_of(model))
        async for chunk in _with_tools(model, self._settings).astream(shown, **fields):
            if not isinstance(chunk, AIMessageChunk):
                continue
            mine = _begun(chunk) and self._client.begins(model)
            if mine and chunk.text and not self._held:
                tell("writer.delta", text=chunk.text)
            chunks.append(chunk)
        settings = self._settings
        whole = _merged(chunks)
        tools, choice = settings.client_tools, settings.tool_choice
        parallel, size = settings.parallel_tool_calls, _SLOW * len(whole.text)
        return await off_loop(size, known_calls, whole, tools, choice, parallel=parallel)


def _merged(chunks: list[AIMessageChunk]) -> AIMessage:
    """Make one message of a stream at once: one by one, each piece would copy all before it."""
    if not chunks:
        return AIMessageChunk(content="")
    first, *others = chunks
    return add_ai_message_chunks(first, *others)


def _begun(chunk: AIMessageChunk) -> bool:
    thought = chunk.additional_kwargs.get("reasoning_content")
    return bool(chunk.text or thought or chunk.tool_call_chunks)


def _sent_back(wrong: WrongForm, attempt: int) -> list[BaseMessage]:
    tell("writer.repair", errors=wrong.errors, attempt=attempt)
    errors = "\n".join(f"- {one}" for one in wrong.errors)
    asked = prompt("repair_answer", errors=errors)
    return [AIMessage(wrong.text or "(empty)"), HumanMessage(asked)]


def _with_tools(model: BaseChatModel, settings: FusionSettings) -> Runnable[Any, BaseMessage]:
    if not settings.client_tools:
        return model
    how: Json = {} if settings.tool_choice is None else {"tool_choice": settings.tool_choice}
    if not settings.parallel_tool_calls:
        how["parallel_tool_calls"] = False
    return model.bind_tools(list(settings.client_tools), **how)
