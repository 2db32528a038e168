"""Repair malformed tool calls, and show calls and results in a few words."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, ToolCall
from langchain_core.messages.tool import tool_call

from langgraph_fusion.models.answer_text import finish_reason, reasoning_of
from langgraph_fusion.models.json_text import read_arguments
from langgraph_fusion.models.replies.tool_calls import UNNAMED
from langgraph_fusion.models.text import well_formed
from langgraph_fusion.models.tool_markup import leaked_calls, strip_tool_markup

_SHOWN_CHARS = 160
_MOST_LEAKED = 16
_CALL_LOST = "tool_calls, and no call"
"""What is no known finish reason, and so a reply that was broken off."""
_TAIL = re.compile(r"<\|.*|:\d+$", re.S)


def repair_tool_calls(message: AIMessage, known: Collection[str] = ()) -> AIMessage:
    """Repair calls with broken arguments, or names that are nearly `known` ones.

    What cannot be read becomes a call without arguments, so that the model is told what is missing.
    A reply whose calls stand in its text, because the server did not read them, gets them as calls.
    One that ends with calls and has none, where some could be made, counts as broken off.
    """
    if not (message.tool_calls or message.invalid_tool_calls):
        return _with_calls_of_its_text(message, known)
    if not message.invalid_tool_calls and all(_sound(one, known) for one in message.tool_calls):
        return message
    calls = [
        _call(_meant(one["name"], known), one["args"], one["id"], number)
        for number, one in enumerate(_all(message))
    ]
    return message.model_copy(update={"tool_calls": calls, "invalid_tool_calls": []})


def _with_calls_of_its_text(message: AIMessage, known: Collection[str]) -> AIMessage:
    if not known:
        return message
    text = str(message.text)
    said = strip_tool_markup(text, known)
    leaked = leaked_calls(text, known) or ([] if said else leaked_calls(reasoning_of(message)))
    calls = [
        _call(_meant(name, known), args, f"leaked_{uuid4().hex[:12]}", number)
        for number, (name, args) in enumerate(leaked[:_MOST_LEAKED])
    ]
    if not calls:
        return _as_broken_off(message) if finish_reason(message) == "tool_calls" else message
    return message.model_copy(update={"content": said, "tool_calls": calls})


def _as_broken_off(message: AIMessage) -> AIMessage:
    """The reply as one whose call was lost: what it says is a remark before that call."""
    metadata = message.response_metadata | {"finish_reason": _CALL_LOST}
    return message.model_copy(update={"response_metadata": metadata})


def known_calls(
    message: AIMessage,
    tools: Sequence[Mapping[str, Any]],
    choice: Any,
    *,
    parallel: bool = True,
) -> AIMessage:
    """The reply with the calls a caller can run: mended, of tools it has, not `parallel` one."""
    names = set() if choice == "none" else {tool["function"]["name"] for tool in tools}
    whole = repair_tool_calls(message, names)
    calls = [call for call in whole.tool_calls if call["name"] in names]
    calls = calls if parallel else calls[:1]
    if len(calls) == len(whole.tool_calls):
        return whole
    return whole.model_copy(update={"tool_calls": calls})


def _meant(name: str | None, known: Collection[str]) -> str | None:
    """The tool that is meant: models add a namespace, a number or a channel, or spell it anew."""
    if not name or name in known:
        return name
    bare = _TAIL.sub("", name).rpartition(".")[2].rpartition("/")[2]
    alike = [one for one in known if _plain(one) == _plain(bare)]
    return alike[0] if len(alike) == 1 else name


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def without_tool_calls(message: AIMessage) -> AIMessage:
    """The message with its words only."""
    if not (message.tool_calls or message.invalid_tool_calls):
        return message
    return AIMessage(
        content=message.text,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
    )


def summary_line(value: Any) -> str:
    """A call's arguments or a result's text on one short line."""
    if isinstance(value, dict):
        value = ", ".join(str(part) for part in value.values() if part not in (None, ""))
    line = " ".join(str(value).split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[: _SHOWN_CHARS - 1]}…"


def _all(message: AIMessage) -> list[Any]:
    return [*message.tool_calls, *message.invalid_tool_calls]


def _sound(call: ToolCall, known: Collection[str]) -> bool:
    named = call["name"] in known if known else bool(call["name"])
    readable = isinstance(call["args"], dict) and call["args"] == well_formed(call["args"])
    return bool(call["id"]) and named and readable


def _call(name: str | None, args: Any, id: str | None, number: int) -> ToolCall:
    return tool_call(name=name or UNNAMED, args=read_arguments(args), id=id or f"call_{number}")
