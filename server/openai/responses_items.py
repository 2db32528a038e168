"""The items of a response: the deliberation, the message, calls of the client's tools, turns."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

Json = dict[str, Any]


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex}"


def fusion_item(id: str, status: str, **found: Any) -> Json:
    """An `openrouter:fusion` item; what was not found is left out."""
    kept = {name: value for name, value in found.items() if value is not None}
    return {"type": "openrouter:fusion", "id": id, "status": status, **kept}


def text_part(text: str, annotations: list[Json]) -> Json:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def message_item(id: str, status: str, content: list[Json]) -> Json:
    return {
        "type": "message",
        "id": id,
        "status": status,
        "role": "assistant",
        "content": content,
    }


def call_item(id: str, call: Mapping[str, Any], *, done: bool) -> Json:
    """A call of a client's tool; while it is being written without its arguments."""
    return {
        "type": "function_call",
        "id": id,
        "status": "completed" if done else "in_progress",
        "call_id": call["id"],
        "name": call["name"],
        "arguments": _arguments(call["args"]) if done else "",
    }


def _arguments(args: Any) -> str:
    """As JSON; of a call that could not be read what was sent."""
    return args if isinstance(args, str) else json.dumps(args, ensure_ascii=False)


def input_items(response_id: str, turns: Iterable[BaseMessage]) -> list[Json]:
    """The turns that a response answered, as items; their ids are the same each time."""
    items = (item for turn in turns for item in _items_of(turn))
    base = response_id.removeprefix("resp_")
    return [item | {"id": f"item_{base}_{number}"} for number, item in enumerate(items)]


def _items_of(turn: BaseMessage) -> Iterator[Json]:
    if isinstance(turn, ToolMessage):
        ended = {"call_id": turn.tool_call_id, "output": turn.text, "status": "completed"}
        yield {"type": "function_call_output", **ended}
    elif isinstance(turn, AIMessage):
        if turn.text:
            yield message_item("", "completed", [text_part(turn.text, [])])
        for call in (*turn.tool_calls, *turn.invalid_tool_calls):
            yield call_item("", call, done=True)
    else:
        role = "user" if isinstance(turn, HumanMessage) else "system"
        content = [{"type": "input_text", "text": turn.text}]
        yield message_item("", "completed", content) | {"role": role}
