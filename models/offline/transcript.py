"""What a member has before it: the question, what its tools returned, how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langgraph_fusion.models.offline.blocks import (
    FollowUp,
    Source,
    block_text,
    follow_ups,
    sources,
)
from langgraph_fusion.models.offline.words import terms


@dataclass
class Transcript:
    question: str
    follow_ups: list[FollowUp]
    earlier_answer: str = ""
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    turns: int = 0
    """Tool-calling turns since the question."""
    searches: list[str] = field(default_factory=list[str])
    results: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Tool name, tool call id and text of each result, in order."""

    def results_of(self, tool: str) -> list[str]:
        """Return the texts the tool returned."""
        return [text for name, _, text in self.results if name == tool]

    def found_by(self, call_id: str) -> list[Source]:
        """Return the sources shown by one tool call, in the order of that result."""
        shown = (text for _, call, text in self.results if call == call_id)
        return [source for text in shown for source in sources(text)]


def read_transcript(messages: Sequence[BaseMessage], *, final: bool = False) -> Transcript:
    """Read the messages from the question on; earlier ones only complete a short question.

    A human message after tool results is no question but a word to write now; so is, in the
    `final` turn without tools, one right after another human message.
    """
    humans = _questions(messages, final)
    start = humans[-1] if humans else -1
    asked = str(messages[start].text) if humans else ""
    asked_follow_ups = follow_ups(asked)
    transcript = Transcript(
        question=_question(asked, bool(asked_follow_ups)),
        follow_ups=asked_follow_ups,
        earlier_answer=block_text(asked, "your_earlier_answer"),
    )
    if len(humans) > 1 and len(terms(transcript.question)) < 2:
        transcript.question = f"{messages[humans[-2]].text}\n{transcript.question}"
    names: dict[str, str] = {}
    for message in messages[start + 1 :]:
        _add(transcript, message, names)
    return transcript


def _questions(messages: Sequence[BaseMessage], final: bool) -> list[int]:
    found: list[int] = []
    for at, message in enumerate(messages):
        if not isinstance(message, HumanMessage):
            continue
        before = messages[at - 1] if at else None
        at_work = isinstance(before, ToolMessage) or (
            isinstance(before, AIMessage) and bool(before.tool_calls)
        )
        last_word = final and isinstance(before, HumanMessage) and at == len(messages) - 1
        if not at_work and not last_word:
            found.append(at)
    return found


def _question(asked: str, is_follow_up: bool) -> str:
    tagged = block_text(asked, "question")
    if tagged and (is_follow_up or asked.lstrip().startswith("<")):
        return tagged
    return tagged if asked.count("<question>") == 1 else asked.strip()


def _add(transcript: Transcript, message: BaseMessage, names: dict[str, str]) -> None:
    if isinstance(message, AIMessage):
        transcript.turns += bool(message.tool_calls)
        for call in message.tool_calls:
            names[call["id"] or ""] = call["name"]
            query = call["args"].get("query")
            if isinstance(query, str):
                transcript.searches.append(query)
    elif isinstance(message, ToolMessage):
        _add_result(transcript, message, names)


def _add_result(transcript: Transcript, message: ToolMessage, names: dict[str, str]) -> None:
    text = str(message.text)
    name = message.name or names.get(message.tool_call_id, "")
    transcript.results.append((name, message.tool_call_id, text))
    if message.status == "error":
        return
    for source in sources(text):
        known = transcript.sources.get(source.id)
        if known is None or len(known.text) < len(source.text):
            transcript.sources[source.id] = source
