"""What a conversation must keep so that a provider takes it back: ids, signatures, extras."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from langgraph_fusion.models.replies.reply_reader import SENT_BACK


def call_ids(messages: Iterable[BaseMessage]) -> set[str]:
    """Return the ids of all tool calls of a conversation."""
    found = set[str]()
    for message in messages:
        if isinstance(message, AIMessage):
            found |= {call["id"] for call in message.tool_calls if call["id"]}
        elif isinstance(message, ToolMessage):
            found.add(message.tool_call_id)
    return found


def give_back_extras(message: AIMessage, sent: dict[str, Any]) -> None:
    """Restore in a message that is sent what its provider had sent beside text and calls."""
    said = message.additional_kwargs
    sent |= {name: said[name] for name in SENT_BACK if said.get(name)}
    extras = said.get("tool_call_extras") or {}
    for call in sent.get("tool_calls") or ():
        extra = dict(extras.get(call.get("id")) or {})
        call["function"] = {**extra.pop("function", {}), **call["function"]}
        for name, value in extra.items():
            call.setdefault(name, value)


def make_ids_unique(messages: list[dict[str, Any]]) -> None:
    """Give calls that share an id with an earlier one an id of their own, with their results."""
    seen = set[str]()
    now: dict[str, list[str]] = {}
    for message in messages:
        calls = message.get("tool_calls") or ()
        if calls:
            now = {}
        for call in calls:
            given = str(call.get("id") or "")
            free, number = given or "call_0", len(seen)
            while free in seen:
                number, free = number + 1, f"{given or 'call'}_{number}"
            seen.add(free)
            now.setdefault(given, []).append(free)
            call["id"] = free
        if message.get("role") == "tool":
            waiting = now.get(str(message.get("tool_call_id") or ""))
            if waiting:
                message["tool_call_id"] = waiting.pop(0) if len(waiting) > 1 else waiting[0]
