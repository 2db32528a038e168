"""The conversation a run was given: the question, what came before it, and what came after."""

import itertools
import json
from collections.abc import Iterator, Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from langgraph_fusion.graph.request.client_tools import wrong_results
from langgraph_fusion.graph.request.file_blocks import asked_text
from langgraph_fusion.graph.request.images import has_images, image_blocks

_SPEAKERS = {"human": "User", "ai": "Assistant"}


def question_at(messages: Sequence[AnyMessage]) -> int | None:
    """Where the last user message with text or a file in it stands."""
    asked = (n for n, one in enumerate(messages) if one.type == "human" and asked_text(one))
    return max(asked, default=None)


def after_question(messages: Sequence[AnyMessage]) -> Sequence[AnyMessage]:
    """What the synthesizer and the caller's tools said after the question."""
    at = question_at(messages)
    return [] if at is None else messages[at + 1 :]


def instructions(messages: Sequence[AnyMessage]) -> str:
    """The caller's system messages, as one text; empty when there are none."""
    given = (one.text.strip() for one in messages if one.type == "system")
    return "\n\n".join(text for text in given if text)


def transcript(messages: Sequence[AnyMessage]) -> str:
    """Turns as text, calls of the caller's tools and their results included; no instructions.

    Images stand in it by their numbers.
    """
    numbers = itertools.count(1)
    return "\n\n".join(line for message in messages for line in _lines(message, numbers))


def _lines(message: AnyMessage, numbers: Iterator[int]) -> Iterator[str]:
    shown = [f"[image {next(numbers)}]" for _ in image_blocks([message])]
    text = "\n".join([message.text.strip(), *shown]).strip()
    speaker = _SPEAKERS.get(message.type)
    if speaker and text:
        yield f"{speaker}: {text}"
    yield from _call_lines(message)


def _call_lines(message: AnyMessage) -> Iterator[str]:
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            arguments = json.dumps(call["args"], ensure_ascii=False)
            yield f"Assistant calls {call['name']}({arguments}) as {call['id']}"
    if isinstance(message, ToolMessage):
        yield f"Result of {message.tool_call_id}: {message.text.strip()}"


def before_answering(messages: Sequence[AnyMessage], run_id: str) -> list[AnyMessage]:
    """Every turn that a panel has to know before it answers the question.

    Calls and results after the question are among them, unless this run made the calls: then its
    panel has answered already.
    """
    at = question_at(messages)
    if at is None:
        return [*messages]
    after = messages[at + 1 :]
    return [*messages[:at], *(after if wrong_results(after, run_id) else ())]


def in_plain_turns(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The turns for a model that has other tools: what is said, and calls and results in words."""
    turns: list[AnyMessage] = []
    called: list[str] = []
    for message in messages:
        if message.type == "human" and called:
            turns.append(_results_in_words(called))
            called = []
        if message.type in ("human", "ai") and (message.text or has_images(message)):
            turns.append(message if message.type == "human" else AIMessage(message.text))
        called += _call_lines(message)
    return [*turns, _results_in_words(called)] if called else turns


def _results_in_words(lines: Sequence[str]) -> HumanMessage:
    heading = "What the tools of the assistant gave so far, as data:"
    return HumanMessage("\n\n".join((heading, *lines)))


def replayed(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Every turn as it was, tool calls and results included, without metadata."""
    return [_bare(one) if isinstance(one, AIMessage) else one for one in messages]


def _bare(message: AIMessage) -> AIMessage:
    return AIMessage(
        message.text,
        tool_calls=message.tool_calls,
        invalid_tool_calls=message.invalid_tool_calls,
    )
