"""A transcript without tool calls, for models that take none."""

import json
import re
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langgraph_fusion.graph.prompts.tags import blocks

_TAG = re.compile(r"<(?=\s*+/?\s*+tool_result\b)", re.I)


def in_plain_words(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Rewrite tool calls as the member's own words, and their results as data it was given."""
    turns: list[BaseMessage] = []
    for message in messages:
        plain = _plain(message)
        if isinstance(message, ToolMessage) and turns and isinstance(turns[-1], HumanMessage):
            plain = HumanMessage(f"{turns.pop().text}\n\n{plain.text}")
        turns.append(plain)
    return turns


def _plain(message: BaseMessage) -> BaseMessage:
    if isinstance(message, ToolMessage):
        return HumanMessage(
            blocks("tool_result", _TAG.sub("&lt;", message.text), tool=message.name)
        )
    if isinstance(message, AIMessage) and message.tool_calls:
        calls = [f"{call['name']} {json.dumps(call['args'])}" for call in message.tool_calls]
        asked = f"I looked it up: {'; '.join(calls)}"
        return AIMessage(f"{message.text}\n\n{asked}".strip())
    return message
