"""A client's conversation as LangChain messages; everything in it is untrusted text."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.messages.tool import invalid_tool_call

from langgraph_fusion.server.openai.protocol import ChatMessage, Content, InputItem


def chat_turns(messages: Iterable[ChatMessage]) -> list[AnyMessage]:
    """The `messages` of a chat request."""
    return [_chat_turn(message) for message in messages]


def responses_turns(input: str | list[InputItem]) -> list[AnyMessage]:
    """The `input` of a Responses request.

    A deliberation or reasoning that the client sends back is no turn: its answer is.
    """
    return [HumanMessage(input)] if isinstance(input, str) else [*_item_turns(input)]


def instructed(instructions: str | None, turns: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The turns behind the instructions, if there are any."""
    return [SystemMessage(instructions), *turns] if instructions else [*turns]


def text_of(content: Content) -> str:
    """The text of a message, whether it is one string or parts."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.said or "" for part in content)


def _chat_turn(message: ChatMessage) -> AnyMessage:
    text = text_of(message.content)
    if message.role == "tool":
        return ToolMessage(text, tool_call_id=message.tool_call_id or "")
    if message.role == "assistant":
        called = message.tool_calls or ()
        calls = [(call.id, call.function.name, call.function.arguments) for call in called]
        return _assistant(text, calls)
    return _spoken(message.role, text)


def _item_turns(items: Iterable[InputItem]) -> Iterator[AnyMessage]:
    """One turn an item; calls that stand side by side were made in one turn."""
    calls: list[tuple[str, str, str]] = []
    for item in items:
        if item.kind == "function_call":
            calls.append((item.call_id or "", item.name or "", item.arguments or ""))
            continue
        if calls:
            yield _assistant("", calls)
            calls = []
        if item.kind == "function_call_output":
            yield ToolMessage(text_of(item.output), tool_call_id=item.call_id or "")
        elif item.kind == "message":
            yield _spoken(item.role or "user", text_of(item.content))
    if calls:
        yield _assistant("", calls)


def _spoken(role: str, text: str) -> AnyMessage:
    if role == "user":
        return HumanMessage(text)
    return AIMessage(text) if role == "assistant" else SystemMessage(text)


def _assistant(text: str, calls: Iterable[tuple[str, str, str]]) -> AIMessage:
    good: list[ToolCall] = []
    bad: list[InvalidToolCall] = []
    for id, name, arguments in calls:
        read = _read(arguments)
        if isinstance(read, dict):
            good.append(ToolCall(name=name, args=read, id=id))
        else:
            bad.append(
                invalid_tool_call(name=name, args=arguments, id=id, error="not a JSON object")
            )
    return AIMessage(text, tool_calls=good, invalid_tool_calls=bad)


def _read(arguments: str) -> Any:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return None
