"""One model turn of a member: what is sent, and how it is changed when a model cannot take it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langgraph_fusion.graph.calls.deadline import TimeIsUp
from langgraph_fusion.graph.calls.seat_client import SeatFailed
from langgraph_fusion.graph.calls.tool_call_repair import repair_tool_calls, without_tool_calls
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.members.compaction import (
    chars_of_results,
    compact,
    with_true_references,
)
from langgraph_fusion.graph.members.member_context import MemberContext
from langgraph_fusion.graph.members.plain_transcript import in_plain_words
from langgraph_fusion.graph.members.tool_budget import with_budget_notes
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.request.file_blocks import with_text
from langgraph_fusion.models.faults import REASONS, Fault
from langgraph_fusion.models.loop_share import off_loop, size_of
from langgraph_fusion.models.providers import ModelRef
from langgraph_fusion.models.tool_markup import is_only_a_remark

_MAY_STILL_WRITE = frozenset(
    {
        "timeout", "empty", "bad_response", "upstream_error", "refused", "content_filter",
        "truncated", "context_too_long", "tools_unsupported", "tools_required",
    }
)  # fmt: skip
"""Faults that a request without tools may escape; no account, key or name is to blame."""
_BARE = frozenset({*REASONS, "budget"})
"""Why a member writes whose last request has no tools at all."""
_SLOW = 4
"""A character is looked through for calls in so many times as long as it is written as JSON."""
_SHRINK = 0.6
"""Of their size, what tool results may have after a refusal; over half, as many are alike."""
_REFUSED = (400, 404, 422)


@dataclass(frozen=True)
class Sent:
    """What goes to a model on one turn."""

    system: SystemMessage
    messages: list[BaseMessage]
    tools: list[Any]
    tool_choice: str | None

    @property
    def whole(self) -> list[BaseMessage]:
        return [self.system, *self.messages]


Ask = Callable[[BaseChatModel, Sent], Awaitable[AIMessage]]
"""Have a model answer what it is sent."""


class MemberTurn:
    """Ask for the next reply; in its last turn no tool may be called.

    Tools stay in that request under `tool_choice: "none"`, because providers put them in front of
    the prompt: without them nothing of it would be read from the provider's cache.
    """

    def __init__(
        self,
        context: MemberContext,
        messages: Sequence[BaseMessage],
        tools: Sequence[Any],
        ask: Ask,
    ) -> None:
        self._context = context
        self._messages = messages
        self._tools = tools
        self._ask = ask
        self._interrupted = False

    async def reply(self) -> AIMessage:
        """Return the reply of the seat, from what it has if research cannot go on.

        Raises:
            SeatFailed: If no model of the seat gave one.
            BudgetReached: If the next call might pass the spend cap.
        """
        try:
            return await self._request_reply()
        except SeatFailed as failed:
            if not self._may_still_write(failed.fault):
                raise
            self._context.wrap_up(failed.fault.reason)
            try:
                return await self._request_reply()
            except SeatFailed:
                raise failed from None

    async def _request_reply(self) -> AIMessage:
        client = self._context.client
        sent = self._sent(client.model)
        grows = bool(sent.tools) and sent.tool_choice is None
        return await client.reply(sent.whole, self._send, sent.tools, self._mend, grows=grows)

    async def _send(self, model: BaseChatModel) -> AIMessage:
        context = self._context
        sent = self._sent(context.client.ref_of(model))
        final = context.must_write
        research = context.schedule.research() if context.allowed and not final else nullcontext()
        try:
            async with research:
                answer = await self._ask(model, sent)
        except TimeIsUp:
            self._interrupted = True
            raise
        offered = {_name(tool) for tool in sent.tools} if not final else set()
        size = size_of([answer.text, *answer.tool_calls, *answer.invalid_tool_calls])
        message = await off_loop(_SLOW * size, repair_tool_calls, answer, offered)
        if offered:
            return message
        leaks = is_only_a_remark(str(message.text))
        context.loops = final and (bool(message.tool_calls) or leaks)
        return without_tool_calls(message)

    def _sent(self, ref: ModelRef) -> Sent:
        """What this model can take."""
        context, sending = self._context, self._context.sending
        messages = context.client.images.shown(self._messages, ref)
        if ref in sending.without_tools and context.files_text is not None:
            messages = _with_files(messages, context.files_text())
        if sending.room is not None:
            messages, sending.shortened = compact(messages, sending.room)
        messages = with_true_references(messages)
        if context.allowed:
            messages = with_budget_notes(messages, context.max_tool_calls, sending.hurried)
        if ref in sending.in_plain_words:
            messages = in_plain_words(messages)
        final = context.must_write
        if final:
            messages.append(HumanMessage(prompt("write_now")))
        tools = [tool for tool in self._tools if _name(tool) in context.allowed]
        silent = final or ref in sending.without_tools
        if silent and not self._keeps_tools(ref):
            tools = []
        choice = "none" if silent and tools else None
        return Sent(SystemMessage(context.system), messages, tools, choice)

    def _keeps_tools(self, ref: ModelRef) -> bool:
        """Whether tools stay in a request that must not use them.

        Not after a fault: a request without tools is what may escape it. Nor when money is short:
        what is set aside does not count on a cache.
        """
        sending = self._context.sending
        if ref in sending.in_plain_words or ref in sending.without_choice:
            return False
        return ref in sending.with_tools or self._context.cut_short not in _BARE

    def _may_still_write(self, fault: Fault) -> bool:
        context = self._context
        learned = any(isinstance(message, ToolMessage) for message in self._messages)
        open_ = learned and not context.must_write and context.client.bill.left_s > 0
        return open_ and fault.reason in _MAY_STILL_WRITE

    def _mend(self, fault: Fault, ref: ModelRef) -> bool:
        if self._interrupted:
            self._interrupted = False
            self._context.wrap_up("time")
            return True
        if fault.reason == "context_too_long":
            return self._shorten(ref)
        return self._change_tools(fault, ref)

    def _change_tools(self, fault: Fault, ref: ModelRef) -> bool:
        """Offer tools as this model takes them: not at all, always, or as words."""
        sending = self._context.sending
        if ref in sending.in_plain_words:
            return False
        if fault.reason == "tools_unsupported":
            sending.without_tools.add(ref)
            sending.in_plain_words.add(ref)
            tell("model.without_tools", seat=self._context.seat, model=str(ref))
            return True
        if self._context.must_write and self._keeps_tools(ref) and fault.status_code in _REFUSED:
            sending.without_choice.add(ref)
            return True
        if fault.reason == "tools_required" and ref not in sending.without_choice:
            sending.with_tools.add(ref)
            return True
        loops = self._context.loops and fault.reason == "empty"
        if loops or fault.reason == "tools_required" or self._refuses_transcript(fault):
            sending.in_plain_words.add(ref)
            return True
        return False

    def _refuses_transcript(self, fault: Fault) -> bool:
        """Whether it may be the tool calls in the transcript that this provider does not take."""
        refused = fault.status_code in _REFUSED and fault.reason == "upstream_error"
        return refused and any(isinstance(message, ToolMessage) for message in self._messages)

    def _shorten(self, ref: ModelRef) -> bool:
        """Give tool results less room; when all are short and no other model is left, write."""
        context, sending, messages = self._context, self._context.sending, self._messages
        room = chars_of_results(messages) if sending.room is None else sending.room
        size = chars_of_results(compact(messages, room)[0])
        shorter, count = compact(messages, int(size * _SHRINK))
        saved = size - chars_of_results(shorter)
        if saved:
            sending.room = int(size * _SHRINK)
            tell("context.compacted", seat=context.seat, model=str(ref), results=count, chars=saved)
            return True
        if context.must_write or not context.allowed or context.client.has_another:
            return False
        context.wrap_up("context_too_long")
        return True


def _with_files(messages: Sequence[BaseMessage], text: str) -> list[BaseMessage]:
    """The messages with the text of files behind the last thing that was asked."""
    asked = [at for at, one in enumerate(messages) if isinstance(one, HumanMessage)]
    last = max(asked, default=-1)
    return [with_text(one, text) if at == last else one for at, one in enumerate(messages)]


def _name(tool: Any) -> str:
    """Its name; one of a server stands there as OpenAI's API takes it."""
    return str(tool["function"]["name"] if isinstance(tool, dict) else tool.name)
