"""Make a transcript fit a model: shorten tool results, the oldest and longest first.

What stays of a result is the beginning of every source in it, under its id, so that the answer can
still cite what was read; the registry keeps the whole text for the judge.
"""

import re
from collections.abc import Collection, Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from langgraph_fusion.tools.references import only_true

KEPT_CHARS = 240
"""Of each source in a shortened result, or of the result if it has none."""

_SOURCE = re.compile(r"(<source id=[^>\n]*>\n)(.*?)(\n</source>)", re.S)
_FACTS = re.compile(r"(?:\n\[[^\n]*\])+\Z")
"""The lines under a command's output, with the id to cite; no line of an output is like them."""
_LEFT_OUT = "[{left} characters left out: the conversation had become too long]"
_CUT = re.compile(re.escape(_LEFT_OUT).replace(r"\{left\}", r"\d+"))


def chars_of_results(messages: Sequence[BaseMessage]) -> int:
    """Length of all tool results."""
    return sum(len(message.text) for message in messages if isinstance(message, ToolMessage))


def compact(messages: Sequence[BaseMessage], room: int) -> tuple[list[BaseMessage], int]:
    """Shorten results until they have at most `room` characters together, or all are short.

    Returns the messages and how many of them were shortened.
    """
    kept, size, count = list(messages), chars_of_results(messages), 0
    for number in _oldest_and_longest(messages):
        if size <= room:
            break
        long = messages[number]
        short = long.model_copy(update={"content": shorten(str(long.text))})
        size -= len(long.text) - len(short.text)
        kept[number] = short
        count += short is not long
    return kept, count


def shorten(text: str) -> str:
    """The beginning of each source of a tool result, or of the result and what stands under it."""
    short, sources = _SOURCE.subn(lambda found: found[1] + _beginning(found[2]) + found[3], text)
    if sources:
        return short
    facts = found.group() if (found := _FACTS.search(text)) else ""
    return _beginning(text.removesuffix(facts)) + facts


def with_true_references(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The messages; a note on a source that does not stand whole in them any more says so."""
    results = [str(one.text) for one in messages if not isinstance(one, AIMessage)]
    sources = [found for text in results for found in _SOURCE.finditer(text)]
    standing = {_id(found) for found in sources if not _CUT.search(found[2])}
    return [_with_true_references(one, standing) for one in messages]


def _with_true_references(message: BaseMessage, standing: Collection[str]) -> BaseMessage:
    if not isinstance(message, ToolMessage):
        return message
    text = only_true(str(message.text), standing)
    return message if text == message.text else message.model_copy(update={"content": text})


def _id(source: re.Match[str]) -> str:
    return source[1].split('"')[1]


def _oldest_and_longest(messages: Sequence[BaseMessage]) -> list[int]:
    """Places of the results; each counts by its length times the number of messages after it."""
    places = [n for n, one in enumerate(messages) if isinstance(one, ToolMessage)]
    return sorted(places, key=lambda n: -len(messages[n].text) * (len(messages) - n))


def _beginning(text: str) -> str:
    if len(text) <= 2 * KEPT_CHARS:  # as what was shortened before
        return text
    left_out = _LEFT_OUT.format(left=len(text) - KEPT_CHARS)
    return f"{text[:KEPT_CHARS].rstrip()} …\n{left_out}"
