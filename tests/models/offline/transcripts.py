"""Transcripts of a member at work, and tools as `bind_tools` gets them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langgraph_fusion.models.offline import offline_model
from tests.models.offline.prompts import source_block

DOCS = ("docs_search", "docs_read")


def schema(name: str) -> dict[str, Any]:
    parameter = {"docs_read": "id_or_path", "bash": "command", "web_fetch": "url"}
    properties = {parameter.get(name, "query"): {"type": "string"}}
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": name,
            "parameters": {"type": "object", "properties": properties},
        },
    }


def reply(name: str, messages: Sequence[BaseMessage], tools: Sequence[str] = DOCS) -> AIMessage:
    model = offline_model(name)
    if not tools:
        return model.invoke(list(messages))
    return model.bind_tools([schema(tool) for tool in tools]).invoke(list(messages))


def found(question: str, texts: Mapping[str, str]) -> list[BaseMessage]:
    """A question, one search and the sources it returned."""
    shown = "\n".join(
        source_block(source_id, text, f"Page {source_id}", f"docs:{source_id}.md")
        for source_id, text in texts.items()
    )
    return [HumanMessage(question), *result("docs_search", {"query": question}, shown)]


def result(
    tool: str, args: dict[str, Any], text: str, status: Any = "success"
) -> list[BaseMessage]:
    call: Any = {"name": tool, "args": args, "id": "call_0_0"}
    answer = ToolMessage(text, tool_call_id="call_0_0", name=tool, status=status)
    return [AIMessage("", tool_calls=[call]), answer]


def work(name: str, question: str, tools: Mapping[str, Any], most: int = 8) -> list[BaseMessage]:
    """Run a member against functions until it answers; `tools` maps names to `args -> text`."""
    messages: list[BaseMessage] = [HumanMessage(question)]
    for _ in range(most):
        message = reply(name, messages, list(tools))
        messages.append(message)
        if not message.tool_calls:
            return messages
        for call in message.tool_calls:
            text = tools[call["name"]](**call["args"])
            messages.append(ToolMessage(text, tool_call_id=call["id"] or "", name=call["name"]))
    raise AssertionError(f"{name} did not answer within {most} turns")


def calls_of(messages: Sequence[BaseMessage]) -> list[str]:
    return [
        call["name"]
        for message in messages
        if isinstance(message, AIMessage)
        for call in message.tool_calls
    ]


def analysis_from(message: AIMessage) -> dict[str, Any]:
    return dict(json.loads(str(message.text)))
