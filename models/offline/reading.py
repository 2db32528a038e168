"""Parse the models' input: the labelled blocks of prompts, and tool results."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langgraph_fusion.models.offline.figures import first_date, in_words
from langgraph_fusion.models.offline.text import (
    cited_ids,
    is_negated,
    numbers,
    read_sentences,
    terms,
    without_citations,
)

Entry = dict[str, Any]
_ATTRIBUTE = re.compile(r'([a-z_]+)="([^"]*)"')
_DATED = re.compile(r"\ADated (\d{1,2} \w+ \d{4}): ")
_LONGEST_QUESTION = 4000
_ABSENCE = re.compile(r"\b(?:found nothing|do not (?:say|mention)|nothing about)\b", re.I)


@dataclass(frozen=True)
class Source:
    id: str
    title: str
    url: str
    text: str

    @property
    def document(self) -> str:
        """The address of the whole document that a passage is from."""
        return self.url.partition("#")[0] or self.id


@dataclass(frozen=True)
class FollowUp:
    """To a member `text` is the question; to the judge it is what `seat` answered."""

    id: str
    text: str
    seat: str = ""
    about: str = ""


@dataclass(frozen=True)
class Claim:
    """One sentence of an answer."""

    seat: str
    text: str
    ids: tuple[str, ...] = ()
    """Every source id it cites, shown or not."""
    order: int = 0
    day: date | None = None
    """The day its document carries, where the sentence says so."""

    @cached_property
    def terms(self) -> frozenset[str]:
        return terms(self.text)

    @cached_property
    def numbers(self) -> frozenset[str]:
        return numbers(self.terms)

    @cached_property
    def negated(self) -> bool:
        return is_negated(self.text)

    @property
    def is_statement(self) -> bool:
        """It says something about the world, not that nothing was found."""
        return len(self.terms) >= 2 and bool(self.ids or not _ABSENCE.search(self.text))


@dataclass
class Case:
    """Everything that a judge or writer is shown."""

    question: str
    answers: dict[str, str] = field(default_factory=dict[str, str])
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    """Every source that was shown, by id; excerpts of the same source are put together."""
    analysis: Entry = field(default_factory=dict[str, Any])
    """The analysis so far (for a judge) or the final one (for a writer); empty if there is none."""
    follow_ups: list[FollowUp] = field(default_factory=list[FollowUp])

    @cached_property
    def claims(self) -> list[Claim]:
        """The statements of all answers in seat order, so that the shuffling has no effect."""
        found = (read_claims(seat, self.answers[seat]) for seat in sorted(self.answers))
        return [claim for claims in found for claim in claims if claim.is_statement]

    def shown(self, ids: Iterable[str]) -> list[str]:
        """Return those of the ids that were shown; no whole document beside its own passage."""
        known = [self.sources[each] for each in dict.fromkeys(ids) if each in self.sources]
        passages = {each.document for each in known if "#" in each.url}
        return [each.id for each in known if "#" in each.url or each.document not in passages]

    def replies(self, about: str) -> dict[str, list[Claim]]:
        """Return the sourced sentences that each seat replied to a follow-up about a finding."""
        found = {each.seat: each for each in self.follow_ups if each.about == about}
        read = {seat: read_claims(seat, each.text) for seat, each in found.items()}
        return {seat: [c for c in claims if self.shown(c.ids)] for seat, claims in read.items()}


def read_claims(seat: str, answer: str) -> list[Claim]:
    """Return every sentence of an answer as a claim."""
    found: list[Claim] = []
    for at, each in enumerate(read_sentences(answer)):
        text, dated = without_citations(each.text), _DATED.match(each.text)
        day = first_date(dated[1]) if dated else None
        found.append(Claim(seat, _DATED.sub("", text), cited_ids(each.text), at, day))
    return found


def dated(day: date | None, text: str) -> str:
    """Put the day of its document before a sentence, as `read_claims` reads it."""
    return f"Dated {in_words(day)}: {text}" if day else text


def read_case(messages: Sequence[BaseMessage]) -> Case:
    """Read the last human message with answers; whatever is missing or broken stays empty."""
    texts = [str(each.text) for each in messages if isinstance(each, HumanMessage)]
    shown = [text for text in texts if "<answer" in text or "<analysis" in text]
    text = (shown or texts or [""])[-1]
    case = Case(_one_line(block_text(text, "question")))
    for attributes, answer in _blocks(text, "answer"):
        if attributes.get("seat") and answer.strip():
            case.answers[attributes["seat"]] = answer
    for source in (each for _, block in _blocks(text, "evidence") for each in read_sources(block)):
        known = case.sources.get(source.id)
        both = f"{known.text}\n\n{source.text}" if known else source.text
        case.sources[source.id] = replace(source, text=both)
    case.analysis = _json(text, "earlier_analysis") or _json(text, "analysis")
    case.follow_ups = read_follow_ups(text)
    return case


def entries(analysis: Mapping[str, Any], name: str) -> list[Entry]:
    """Return the objects of a list in an analysis that may hold anything."""
    return [cast("Entry", each) for each in _listed(analysis, name) if isinstance(each, dict)]


def strings(entry: Mapping[str, Any], name: str) -> list[str]:
    return [each for each in _listed(entry, name) if isinstance(each, str)]


def read_sources(text: str) -> list[Source]:
    """Return the `<source>` blocks that carry an id."""
    found = (
        Source(a.get("id", ""), a.get("title", ""), a.get("url", ""), block)
        for a, block in _blocks(text, "source")
    )
    return [source for source in found if source.id]


def read_follow_ups(text: str) -> list[FollowUp]:
    """Return the follow-ups; a block that holds several (`F1, F2`) becomes several."""
    return [
        FollowUp(each, _part(block, each, ids), a.get("seat", ""), about)
        for a, block in _blocks(text, "follow_up")
        for ids, abouts in [(_split(a.get("id")), _split(a.get("about")))]
        for each, about in zip(ids, [*abouts, *[""] * len(ids)], strict=False)
    ]


def block_text(text: str, tag: str) -> str:
    """Return the text of the first such block, or nothing."""
    return next((block.strip() for _, block in _blocks(text, tag)), "")


@dataclass
class Transcript:
    """What a member has before it: the question, what its tools returned, how far it has come."""

    question: str = ""
    follow_ups: list[FollowUp] = field(default_factory=list[FollowUp])
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    turns: int = 0
    """Tool-calling turns since the question."""
    searches: list[str] = field(default_factory=list[str])
    results: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """The texts that each tool returned."""


def read_transcript(messages: Sequence[BaseMessage], *, final: bool) -> Transcript:
    """Read the messages from the question on; the one before completes a short question.

    A human message after tool results is no question but a word to write now; so is, in the
    `final` turn without tools, one right after another human message.
    """
    asked = [at for at in range(len(messages)) if _is_question(messages, at, final)]
    start = asked[-1] if asked else -1
    text = str(messages[start].text) if asked else ""
    asked_now = _one_line(block_text(text, "question") or text)
    found = Transcript(asked_now, read_follow_ups(text))
    if len(asked) > 1 and len(terms(found.question)) < 2:
        found.question = f"{messages[asked[-2]].text}\n{found.question}"
    for message in messages[start + 1 :]:
        if isinstance(message, AIMessage):
            found.turns += bool(message.tool_calls)
            found.searches += [str(call["args"].get("query")) for call in message.tool_calls]
        elif isinstance(message, ToolMessage):
            found.results.setdefault(message.name or "", []).append(str(message.text))
            shown = read_sources(str(message.text)) if message.status != "error" else []
            for source in shown:
                known = found.sources.get(source.id, source)
                found.sources[source.id] = max(known, source, key=lambda each: len(each.text))
    return found


def _is_question(messages: Sequence[BaseMessage], at: int, final: bool) -> bool:
    before = messages[at - 1] if at else None
    at_work = isinstance(before, ToolMessage) or getattr(before, "tool_calls", None)
    last_word = final and isinstance(before, HumanMessage) and at == len(messages) - 1
    return isinstance(messages[at], HumanMessage) and not at_work and not last_word


def _blocks(text: str, tag: str) -> list[tuple[dict[str, str], str]]:
    """Return attributes and text of every `<tag …>…</tag>`; an unclosed one runs to the end."""
    pattern = re.compile(rf"<{tag}((?:\s[^<>]*)?)>(.*?)(?:</{tag}>|\Z)", re.DOTALL)
    return [
        ({name: html.unescape(value) for name, value in _ATTRIBUTE.findall(found[1])}, found[2])
        for found in pattern.finditer(text)
    ]


def _part(text: str, wanted: str, ids: list[str]) -> str:
    """Return what stands under the line `F1:`, or everything if only one follow-up is answered."""
    labels = "|".join(map(re.escape, ids))
    pieces = re.split(rf"^\W*({labels})\b\W*?(?::|$)", text, flags=re.MULTILINE)
    labelled = dict(zip(pieces[1::2], pieces[2::2], strict=False))
    return labelled.get(wanted, "" if len(ids) > 1 else text).strip()


def _one_line(question: str) -> str:
    return " ".join(question.split())[:_LONGEST_QUESTION]


def _split(ids: str | None) -> list[str]:
    return [each.strip() for each in (ids or "").split(",") if each.strip()]


def _json(text: str, tag: str) -> Entry:
    try:
        value = json.loads(block_text(text, tag) or "{}")
    except ValueError:
        return {}
    return cast("Entry", value) if isinstance(value, dict) else {}


def _listed(entry: Mapping[str, Any], name: str) -> list[object]:
    found = entry.get(name)
    return cast("list[object]", found) if isinstance(found, list) else []
