"""A member's tool budget and time as its model sees them, counted down in order of its calls."""

from collections.abc import Collection, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage


def with_budget_notes(
    messages: Sequence[BaseMessage], most: int, hurried: Collection[int] = ()
) -> list[BaseMessage]:
    """The transcript with what is left of budget and time under the last result of every batch.

    `hurried` are the counts of results after which little time was left. What was sent before is
    sent again as it was: providers cache it.
    """
    shown = list(messages)
    used = 0
    for at, message in enumerate(messages):
        if not isinstance(message, ToolMessage):
            continue
        used += 1
        last = at + 1 == len(messages) or not isinstance(messages[at + 1], ToolMessage)
        if last and used < most:
            text = f"{message.text}\n\n{_left(most - used, hurried=used in hurried)}"
            shown[at] = message.model_copy(update={"content": text})
    return shown


def too_many(messages: Sequence[BaseMessage], call: Any, most: int) -> str | None:
    """Why a call of the last reply does not fit the budget, in words for the model."""
    used = sum(isinstance(message, ToolMessage) for message in messages)
    replies = [message for message in messages if isinstance(message, AIMessage)]
    batch = [(one["id"], one["name"], one["args"]) for one in replies[-1].tool_calls]
    place = batch.index((call["id"], call["name"], call["args"]))
    room = max(0, most - used)
    if place < room:
        return None
    if not room:
        return "The tool budget is used up. Write your answer now."
    first = "the first call" if room == 1 else f"the first {room} calls"
    return (
        f"This call was not run: the tool budget had room for {first} of the {len(batch)} in this "
        "turn. Write your answer now, and say there what this call was to find out."
    )


def _left(calls: int, *, hurried: bool) -> str:
    if calls == 1:
        return "(One tool call is left. The turn after it is your last: you write your answer.)"
    if hurried:
        return (
            f"({calls} tool calls are left, but time is running out: the turn after this one may "
            "be your last, in which you write your answer.)"
        )
    return f"({calls} tool calls are left.)"
