"""LangChain's messages and tools as the members of a chat completion request."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    is_data_content_block,
)
from langchain_core.messages.block_translators.openai import convert_to_openai_data_block

_UNSENT_BLOCKS = frozenset(
    {
        "tool_use", "thinking", "reasoning_content", "function_call", "code_interpreter_call",
        "reasoning", "tool_call", "invalid_tool_call",
    }
)  # fmt: skip
"""Blocks of a message's content that other members of the request say, or that no server takes."""
_TAKES_DEVELOPER = re.compile(r"o\d")
"""OpenAI's models that call the system message the developer's."""
_FIXED_TEMPERATURE = re.compile(r"gpt-5(?!.*chat)", re.I)
"""OpenAI's models that refuse a temperature, unless they are asked not to reason."""


def message_json(message: BaseMessage, model: str) -> dict[str, Any]:
    """Return a message as it is sent to the model of that name.

    Raises:
        TypeError: If no server knows messages of this kind.
    """
    if isinstance(message, ToolMessage):
        content = _content(message.content, plain=True)
        return {"content": content, "role": "tool", "tool_call_id": message.tool_call_id}
    written = isinstance(message, AIMessage)
    sent: dict[str, Any] = {"content": _content(message.content, plain=written)}
    if (name := message.name or message.additional_kwargs.get("name")) is not None:
        sent["name"] = name
    sent["role"] = _role(message, model)
    if isinstance(message, AIMessage) and (calls := _tool_calls(message)):
        sent["tool_calls"] = calls
        sent["content"] = sent["content"] or None
    return sent


def tool_choice_json(choice: Any, names: Sequence[str]) -> Any:
    """Return LangChain's `tool_choice` as servers take it: a tool's name may stand for the tool."""
    if choice in names:
        return {"type": "function", "function": {"name": choice}}
    return "required" if choice is True or choice == "any" else choice


def accepted_temperature(model: str, temperature: float | None, effort: str | None) -> float | None:
    """Return the temperature, or None where the model would refuse the request for it."""
    refused = _FIXED_TEMPERATURE.match(model) and effort != "none" and temperature != 1
    return None if refused else temperature


def _role(message: BaseMessage, model: str) -> str:
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, SystemMessage):
        return "developer" if _TAKES_DEVELOPER.match(model) else "system"
    if isinstance(message, ChatMessage):
        return message.role
    raise TypeError(f"a message of the kind `{message.type}` cannot be sent to a model")


def _content(content: Any, *, plain: bool) -> Any:
    """The content; of `plain` blocks of text nothing but the text: no annotations."""
    if not isinstance(content, list):
        return content
    kept = [one for one in content if not _is(one, *_UNSENT_BLOCKS)]
    return [_block(one, plain=plain) for one in kept]


def _block(block: Any, *, plain: bool) -> Any:
    if not isinstance(block, dict):
        return block
    if is_data_content_block(block):
        return _with_detail(convert_to_openai_data_block(block), block)
    if plain and _is(block, "text") and "text" in block:
        return {"type": "text", "text": block["text"]}
    if _is(block, "image") and isinstance(block.get("source"), dict):
        return _image(block["source"])
    return block


def _with_detail(sent: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    """How closely an image is to be looked at, which LangChain leaves out."""
    detail = (block.get("extras") or {}).get("detail")
    if detail and _is(sent, "image_url"):
        sent["image_url"] = {**sent["image_url"], "detail": detail}
    return sent


def _image(source: dict[str, Any]) -> dict[str, Any]:
    """An image as Anthropic writes it, as OpenAI writes it."""
    data = f"data:{source.get('media_type')};base64,{source.get('data')}"
    url = data if source.get("type") == "base64" else source.get("url")
    return {"type": "image_url", "image_url": {"url": url}}


def _is(block: Any, *kinds: str) -> bool:
    return isinstance(block, dict) and block.get("type") in kinds


def _tool_calls(message: AIMessage) -> list[dict[str, Any]]:
    calls = [(one, json.dumps(one["args"], ensure_ascii=False)) for one in message.tool_calls]
    broken = [(one, one["args"]) for one in message.invalid_tool_calls]
    return [_call(one["id"], one["name"], arguments) for one, arguments in [*calls, *broken]]


def _call(id: str | None, name: str | None, arguments: str | None) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"type": "function", "id": id, "function": function}
