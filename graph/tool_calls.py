"""Mend the tool calls that models send broken, and show calls and results in a few words."""

import json
from typing import Any

from langchain_core.messages import AIMessage, ToolCall
from langchain_core.messages.tool import tool_call

_SHOWN_CHARS = 160


def mended(message: AIMessage) -> AIMessage:
    """Turn tool calls with malformed or double-encoded arguments into calls the tools can judge.

    What cannot be read becomes a call without arguments, so that the model is told what is missing.
    """
    broken = message.invalid_tool_calls
    if not broken and all(_sound(call) for call in message.tool_calls):
        return message
    calls = [_call(one["name"], one["args"], one["id"], n) for n, one in enumerate(_all(message))]
    return message.model_copy(update={"tool_calls": calls, "invalid_tool_calls": []})


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


def _sound(call: ToolCall) -> bool:
    return bool(call["id"]) and bool(call["name"]) and isinstance(call["args"], dict)


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
    return args if isinstance(args, dict) else {}
