"""The output items of a response: the deliberation, the message, calls of the client's tools."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

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
        "arguments": json.dumps(call["args"], ensure_ascii=False) if done else "",
    }
