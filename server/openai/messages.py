"""A client's conversation as LangChain messages; everything in it is untrusted text."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
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

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.openai.protocol import ChatMessage, Content, InputItem

FindItem = Callable[[str], Any]
"""Gives the item with an id as it was sent, or None."""
_WITHOUT_TURN = ("fus_", "rs_")
"""Begins the ids of items that are no turns: deliberations and reasoning."""


def find_no_item(id: str) -> None:
    """Find nothing, for requests that cannot refer to stored items."""


def chat_turns(messages: Iterable[ChatMessage]) -> list[AnyMessage]:
    """The `messages` of a chat request.

    Raises:
        ConfigError: If they end with a turn that cannot be answered.
    """
    return in_order([_chat_turn(message) for message in messages])


def responses_turns(
    input: str | list[InputItem], find_item: FindItem = find_no_item
) -> list[AnyMessage]:
    """The `input` of a Responses request; `find_item` gives the items it refers to by id.

    A deliberation or reasoning that the client sends back is no turn: its answer is.

    Raises:
        ConfigError: If a referenced item is unknown.
    """
    if isinstance(input, str):
        return [HumanMessage(input)]
    return [*_item_turns(_resolved(input, find_item))]


def with_instructions(instructions: str | None, turns: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The turns behind the instructions, if there are any; raises as `in_order`."""
    return in_order([SystemMessage(instructions), *turns] if instructions else [*turns])


def in_order(turns: list[AnyMessage]) -> list[AnyMessage]:
    """The turns with system messages first, wherever the client has put them.

    Where there is no other turn, the last system message is the question. One that answers the
    assistant, with no user's message before the next turn, is no rule but a report (some agents say
    so what a command has printed): it stays where it is, as the user's.

    Raises:
        ConfigError: If the last turn is the assistant's.
    """
    turns = [*_reports_as_turns(turns)]
    system = [one for one in turns if one.type == "system"]
    others = [one for one in turns if one.type != "system"]
    if not others and system:
        return [*system[:-1], HumanMessage(system[-1].text)]
    if others and others[-1].type == "ai":
        raise ConfigError(
            "the last one has the role `assistant`, and an answer that was begun is not continued "
            "here; end with a `user` message",
            field="messages",
        )
    return [*system, *others]


def _reports_as_turns(turns: Sequence[AnyMessage]) -> Iterator[AnyMessage]:
    others = [(at, one) for at, one in enumerate(turns) if one.type != "system"]
    for at, turn in enumerate(turns):
        before = next((one for n, one in reversed(others) if n < at), None)
        after = next((one for n, one in others if n > at), None)
        answers = isinstance(before, AIMessage) and not before.tool_calls
        if turn.type == "system" and answers and (after is None or after.type == "ai"):
            yield HumanMessage(turn.text)
        else:
            yield turn


def _resolved(items: Iterable[InputItem], find_item: FindItem) -> Iterator[InputItem]:
    for number, item in enumerate(items):
        if item.kind != "item_reference":
            yield item
            continue
        found = find_item(item.id or "")
        if found is not None:
            yield InputItem.model_validate(found)
        elif not str(item.id).startswith(_WITHOUT_TURN):
            raise ConfigError(
                f"no item {item.id!r} is known here (any more); send the item itself, for which "
                "some clients need `store: false`",
                field=f"input.{number}",
            )


def content_of(content: Content) -> str | list[Any]:
    """The content of a user's message: its text, or with images or files content blocks."""
    if isinstance(content, list) and any(part.is_image or part.is_file for part in content):
        return [part.block for part in content]
    return text_of(content)


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
    return _spoken(message.role, content_of(message.content))


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
            yield _spoken(item.role or "user", content_of(item.content))
    if calls:
        yield _assistant("", calls)


def _spoken(role: str, content: str | list[Any]) -> AnyMessage:
    if role == "user":
        return HumanMessage(content)
    return AIMessage(content) if role == "assistant" else SystemMessage(content)


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
