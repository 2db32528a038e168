"""Mend the tool calls that models send broken, and show calls and results in a few words."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, ToolCall
from langchain_core.messages.tool import tool_call

from langgraph_fusion.models.text import well_formed
from langgraph_fusion.models.tool_markup import leaked_calls, strip_tool_markup

_SHOWN_CHARS = 160
_TAIL = re.compile(r"<\|.*|:\d+$", re.S)


def mended(message: AIMessage, known: Collection[str] = ()) -> AIMessage:
    """Turn calls with broken arguments, or names that nearly are `known`, into sound ones.

    What cannot be read becomes a call without arguments, so that the model is told what is missing.
    A reply whose calls stand in its text, because the server did not read them, gets them as calls.
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
    leaked = leaked_calls(str(message.text)) if known else []
    meant = [(_meant(name, known), args) for name, args in leaked]
    calls = [
        _call(name, args, f"leaked_{uuid4().hex[:12]}", number)
        for number, (name, args) in enumerate(meant)
        if name in known
    ]
    if not calls:
        return message
    said = strip_tool_markup(str(message.text))
    return message.model_copy(update={"content": said, "tool_calls": calls})


def known_calls(
    message: AIMessage,
    tools: Sequence[Mapping[str, Any]],
    choice: Any,
    *,
    parallel: bool = True,
) -> AIMessage:
    """The reply with the calls a caller can run: mended, of tools it has, not `parallel` one."""
    whole = mended(message)
    names = set() if choice == "none" else {tool["function"]["name"] for tool in tools}
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


def shown(value: Any) -> str:
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
    return tool_call(name=name or "unnamed", args=_arguments(args), id=id or f"call_{number}")


def _arguments(args: Any) -> dict[str, Any]:
    """Parse until a mapping comes out: some models encode their arguments twice."""
    from json_repair import loads

    for _ in range(3):
        if not isinstance(args, str):
            break
        try:
            args = json.loads(args)
        except ValueError:
            args = loads(args)
    return well_formed(args) if isinstance(args, dict) else {}
