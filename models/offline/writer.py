"""The writer: an extractive, cited answer in Markdown, streamed word by word."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_fusion.models.offline.analysing import analyse
from langgraph_fusion.models.offline.case import Case, read_case
from langgraph_fusion.models.offline.chat import StreamingOfflineChatModel, Tools
from langgraph_fusion.models.offline.citations import cite
from langgraph_fusion.models.offline.composing import (
    Point,
    Written,
    computed_lines,
    disagreements,
    follow_up_points,
    not_found,
    points,
    unsettled,
)

_LEAD = 2
_SHARED = 6
_ALONE = 4
_RELEVANT = 0.3
NOTHING = "The sources that were searched do not answer this question."


class WriterModel(StreamingOfflineChatModel):
    """Quotes the panel: a direct answer, what several say, what one says, what is disputed."""

    def reply(self, messages: Sequence[BaseMessage], tools: Tools) -> AIMessage:
        return AIMessage(content=compose(read_case(messages)))


def compose(case: Case) -> str:
    """Write the answer; without an analysis the writer compares the answers itself."""
    analysis = case.analysis or analyse(case)
    written = Written()
    fresh = [point for point in points(case, analysis) if written.is_new(point.text)]
    relevant = [point for point in fresh if point.relevance >= _RELEVANT]
    lead, rest = relevant[:_LEAD], relevant[_LEAD:]
    asked_again = [point for point in follow_up_points(case) if written.is_new(point.text)]
    computed = computed_lines(case)
    disputes = list(disagreements(case, analysis))
    parts = [
        *computed,
        _warning(unsettled(analysis)),
        _paragraph(lead),
        _listed("Where the sources disagree", disputes),
        _section("Supporting points", [p for p in rest if p.seats > 1][:_SHARED]),
        _section("Also mentioned", [p for p in rest if p.seats == 1][:_ALONE]),
        _section("From a closer look", asked_again[:_ALONE]),
        _missing(not_found(analysis)),
    ]
    if not (computed or lead or asked_again or disputes):
        parts.insert(0, NOTHING)
    return "\n\n".join(part for part in parts if part)


def _warning(topics: Sequence[str]) -> str:
    named = " and ".join(f"“{topic}”" for topic in topics)
    return f"The sources do not agree on {named}; both sides are below." if named else ""


def _paragraph(found: Sequence[Point]) -> str:
    return " ".join(cite(point.text, point.ids) for point in found)


def _section(title: str, found: Sequence[Point]) -> str:
    return _listed(title, [cite(point.text, point.ids) for point in found])


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"### {title}", "", *(f"- {line}" for line in lines)]) if lines else ""


def _missing(topics: Sequence[str]) -> str:
    if not topics:
        return ""
    named = [topic for topic in topics if topic.startswith("“")]
    said = f"The sources say nothing about {', '.join(named)}." if named else topics[0]
    return f"### What could not be found\n\n{said}"
