"""The conversation a run was given: the question, what came before it, and what came after."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage

_SPEAKERS = {"human": "User", "ai": "Assistant"}


def question_at(messages: Sequence[AnyMessage]) -> int | None:
    """Where the last user message with text in it stands."""
    asked = (n for n, one in enumerate(messages) if one.type == "human" and one.text.strip())
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
    """Turns as text, without instructions; calls and results of tools are left out."""
    turns = [(_SPEAKERS.get(message.type), message.text.strip()) for message in messages]
    return "\n\n".join(f"{speaker}: {text}" for speaker, text in turns if speaker and text)


def spoken(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The turns that have words, without tool calls and metadata, which others may refuse."""
    turns = [one for one in messages if one.type in ("human", "ai") and one.text]
    return [one if one.type == "human" else AIMessage(one.text) for one in turns]


def replayed(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Every turn as it was, tool calls and results included, without metadata."""
    return [_bare(one) if isinstance(one, AIMessage) else one for one in messages]


def _bare(message: AIMessage) -> AIMessage:
    return AIMessage(
        message.text,
        tool_calls=message.tool_calls,
        invalid_tool_calls=message.invalid_tool_calls,
    )
