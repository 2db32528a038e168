"""The caller's own tools: only the synthesizer may call them, and only the caller runs them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolCall, ToolMessage

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def check_tools(tools: Sequence[Mapping[str, Any]], choice: Any) -> None:
    """Raise ValueError, naming what is wrong, unless these are OpenAI function tools."""
    names = [_name(tool) for tool in tools]
    if len(set(names)) < len(names):
        raise ValueError("client_tools: two tools have the same name")
    if choice is None:
        return
    if not tools:
        raise ValueError("tool_choice: there are no tools to choose from")
    if isinstance(choice, dict):
        if (choice.get("function") or {}).get("name") not in names:
            raise ValueError("tool_choice: names none of the tools")
    elif choice not in ("auto", "none", "required"):
        raise ValueError(f"tool_choice: {choice!r}; write auto, none, required or name a function")


def handed_out(calls: Iterable[ToolCall], run_id: str, after: Sequence[AnyMessage]) -> list[Any]:
    """The calls under ids that lead back to the run, numbered on from those in earlier turns."""
    made = sum(len(one.tool_calls) for one in after if isinstance(one, AIMessage))
    return [
        {"id": call_id(run_id, made + number), "name": call["name"], "args": call["args"]}
        for number, call in enumerate(calls, start=1)
    ]


def wrong_results(after: Sequence[AnyMessage], run_id: str | None = None) -> str | None:
    """What is wrong with calls and results after the question, in words; None if nothing is.

    With a `run_id` they must be calls of that run.
    """
    results = [one.tool_call_id for one in after if isinstance(one, ToolMessage)]
    spoken = [one for one in after if isinstance(one, AIMessage)]
    calls = [call["id"] for one in spoken for call in (*one.tool_calls, *one.invalid_tool_calls)]
    for id in results:
        if run_id and not id.startswith(call_id(run_id, "")):
            return f"{id!r} is no tool call of run {run_id}"
        if id not in calls:
            return f"there is a result for {id!r} and no message that calls it"
    missing = [id for id in calls if id not in results]
    return (
        f"the tool call {missing[0]!r} has no result; send one for every call" if missing else None
    )


def call_id(run_id: str, number: int | str) -> str:
    return f"call_{run_id}_{number}"


def _name(tool: Mapping[str, Any]) -> str:
    function = tool.get("function")
    name = function.get("name") if isinstance(function, Mapping) else None
    if tool.get("type") != "function" or not isinstance(name, str):
        raise ValueError('client_tools: write {"type": "function", "function": {"name": …}}')
    if not _NAME.fullmatch(name):
        raise ValueError("client_tools: a name has 1 to 64 letters, digits, _ or -")
    return name
