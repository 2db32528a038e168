"""Three members of a panel that search in three ways and answer with quoted, cited sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_fusion.models.offline.chat import OfflineChatModel, Tools, tool_calls
from langgraph_fusion.models.offline.figures import first_date
from langgraph_fusion.models.offline.ranking import (
    Candidate,
    missing,
    parts,
    query,
    rank,
    select,
)
from langgraph_fusion.models.offline.reading import (
    FollowUp,
    Source,
    Transcript,
    dated,
    read_transcript,
)
from langgraph_fusion.models.offline.text import cite, read_sentences, terms, without_citations

Calls = list[tuple[str, dict[str, Any]]]
NOTHING_FOUND = "I found nothing about this in the sources I could search."
_MOST_TURNS = 4
"""Tool-calling turns before a member writes whatever it has."""
_MOST_READ = 5
_HEAD = 8
"""Lines at the top of a document that may carry its date."""


class MemberModel(OfflineChatModel):
    """Searches, perhaps reads, then writes; without tools it writes from what it has seen."""

    by_part: bool = False
    """Search for each part of the question, instead of once for all of it."""
    reads: int = 0
    """Documents read in full before the answer."""
    quotes: int = 6
    """Sentences quoted in the answer."""

    def reply(self, messages: Sequence[BaseMessage], tools: Tools) -> AIMessage:
        seen = read_transcript(messages, final=not tools)
        if seen.turns < _MOST_TURNS and (
            calls := self._search(seen, tools) or self._read(seen, tools)
        ):
            return tool_calls(seen.turns, calls)
        answers = [f"{each.id}:\n{_follow_up(seen, each)}" for each in seen.follow_ups]
        return AIMessage(content="\n\n".join(answers) or _answer(seen, self.quotes))

    def _search(self, seen: Transcript, tools: Tools) -> Calls:
        name = next((each for each in ("docs_search", "web_search") if each in tools), "")
        if not name or seen.sources or seen.turns > 1:
            return []
        wanted = [each.text for each in seen.follow_ups] or [seen.question]
        asked = [
            query(part) for each in wanted for part in (parts(each) if self.by_part else [each])
        ]
        if seen.turns:  # nothing was found: once more with the two longest words
            words = query(" ".join(wanted)).split()
            asked = [" ".join(sorted(words, key=lambda word: (-len(word), word))[:2])]
        return [(name, {"query": each}) for each in asked[:4] if each not in seen.searches]

    def _read(self, seen: Transcript, tools: Tools) -> Calls:
        """Read documents from their top; for a follow-up, because the top has the date."""
        if {"docs_read", "web_fetch"} & seen.results.keys():
            return []
        asked = [(query(each.text), 3) for each in seen.follow_ups] or [(seen.question, self.reads)]
        found = [s for each, most in asked for s in _best_documents(each, seen, most)]
        return [
            call
            for each in list(dict.fromkeys(found))[:_MOST_READ]
            for call in _reading(each, tools)
        ]


_WAYS: dict[str, dict[str, Any]] = {
    "keyword": {"reads": 1},
    "broad": {"by_part": True, "quotes": 8},
    "careful": {"by_part": True, "reads": 3},
}


def member_model(name: str) -> MemberModel:
    """Give the member that searches once, the one that searches widely, or the one that reads."""
    return MemberModel(model=name, **_WAYS[name])


def _answer(seen: Transcript, limit: int) -> str:
    """Quote the sentences that cover the question, and say plainly what was not found."""
    candidates = _candidates(seen.sources.values())
    found = select(rank(seen.question, candidates), limit)
    if not found:
        return NOTHING_FOUND
    passages = [
        " ".join(cite(each.text, each.candidate.ids) for each in group)
        for _, group in groupby(sorted(found, key=lambda each: each.part), lambda each: each.part)
    ]
    texts = [f"{each.text} {each.context}" for each in candidates]
    named = ", ".join(f"“{aspect}”" for aspect in missing(seen.question, texts))
    return "\n\n".join(
        [*passages, *([f"The sources I read do not mention {named}."] * bool(named))]
    )


def document_date(text: str) -> date | None:
    """Return the date that a document carries at its top: a short line with a date in it."""
    lines = [line for line in text.strip().splitlines() if line.strip()][:_HEAD]
    short = (line for line in lines if len(line.split()) <= 10)
    return next((day for line in short if (day := first_date(line))), None)


def _follow_up(seen: Transcript, asked: FollowUp) -> str:
    """Quote what the documents say about what is asked, each with the date of its document."""
    topic = query(asked.text)
    wanted, own = terms(topic), list(seen.sources.values())
    ranked = [
        each
        for each in rank(topic, _candidates(own))
        if 3 * len(wanted & terms(f"{each.text} {each.candidate.context}")) >= 2 * len(wanted)
        and wanted & terms(each.text)
    ]
    found = select(ranked, 4)
    if not found:
        return f"The documents I searched do not say anything about “{topic}”."
    dates = {each.document: day for each in own if (day := document_date(each.text))}
    days = (dates.get(seen.sources[each.candidate.ids[0]].document) for each in found)
    return " ".join(
        cite(dated(day, each.text), each.candidate.ids)
        for day, each in zip(days, found, strict=True)
    )


def _candidates(sources: Iterable[Source]) -> list[Candidate]:
    """Split the sources into sentences; of overlapping passages each sentence counts once."""
    found: dict[tuple[str, str], Candidate] = {}
    for source in sources:
        for each in read_sentences(source.text):
            text = without_citations(each.text)
            candidate = Candidate(text, (source.id,), f"{source.title} {each.heading}")
            if not terms(text) <= terms(source.title):  # else a title that is repeated
                found.setdefault((source.document, text), candidate)
    return list(found.values())


def _best_documents(question: str, seen: Transcript, most: int) -> list[str]:
    """Return the addresses of the documents with the best sentences."""
    ranked = rank(question, _candidates(seen.sources.values()))
    found = (seen.sources[each.candidate.ids[0]].document for each in ranked if each.score)
    return list(dict.fromkeys(found))[:most]


def _reading(address: str, tools: Tools) -> Calls:
    """Return the call that reads a whole document, if a tool can."""
    name, parameter = ("web_fetch", "url")
    if address.startswith("docs:"):
        name, parameter = ("docs_read", "id_or_path")
        address = unquote(address.removeprefix("docs:"))
    return [(name, {parameter: address})] if name in tools else []
