"""What a question asks, and which sentences cover it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from langgraph_fusion.models.offline.text import (
    says_the_same,
    terms,
    topical_words,
)

RELEVANT = 0.35
"""Share of one part of the question that a sentence must cover to be quoted."""
_QUOTED = re.compile(r"[\"“„«`]([^\"“”„«»`]{2,80})[\"”“»`]")
_ASKING = r"(?:what|how|why|when|which|who|where|whether|does|do|did|is|are|was|can)\b"
_PART = re.compile(rf"[?;]\s+|(?:,|(?<!\s))\s++and\s+(?={_ASKING})|,\s+(?={_ASKING})", re.I)
_PIECE = re.compile(r"[^\s,;:.?!()\"“”„«»`]+|[,;:.?!()\"“”„«»`]")
_ASKS_FIGURE = re.compile(
    r"\b(?:when|how (many|much|long|large|high|old|far)|cost|limit|price)\b", re.I
)
_STARTS_OPEN = re.compile(
    r"(?:it|its|this|they|these|those|their|he|she|here|both|then|so|but|and)\b", re.I
)
_LABELLED = re.compile(r"[^.]{1,40}(?:: | — )")
_CODE = re.compile(r"`[^`]*`")
_WHOLE = 0.2
"""Share that the rest of the question has in the score of a sentence for one part."""
_HEADING = 0.5
"""A term that stands only in the title or heading counts this much."""
_FIGURE = 0.15
"""Added to a sentence with a figure where the question asks for one."""
_SHARED = 0.05
_MOST_SOURCES = 3
_WORDY = 0.01
"""Taken off for each term: of sentences that cover the same, the shortest."""


@dataclass(frozen=True)
class Candidate:
    """A sentence that may answer the question."""

    text: str
    ids: tuple[str, ...]
    context: str = ""
    """Title and heading: words the sentence is understood with."""
    seats: int = 1
    """How many members say so."""


@dataclass(frozen=True)
class Ranked:
    candidate: Candidate
    score: float
    """About 0 to 1: how much of the part it covers best."""
    part: int

    @property
    def text(self) -> str:
        return self.candidate.text


def parts(question: str) -> list[str]:
    """Split `What is A, and how does B work?` into what it asks."""
    found = [part.strip() for part in _PART.split(question)]
    return [part for part in found if terms(part)] or [question]


def aspects(question: str) -> list[str]:
    """Return the runs of topical words of a question, and what it puts in quotes, each once."""
    found = _QUOTED.findall(question)
    run: list[str] = []
    for piece in [*_PIECE.findall(_QUOTED.sub(" , ", question)), "."]:
        bare = piece.strip("'*_/-")
        if bare and topical_words(bare):
            run.append(bare)
        elif run:
            found.append(" ".join(run))
            run = []
    unique = {terms(each): each for each in reversed(found) if terms(each)}
    return [each for each in dict.fromkeys(found) if each in unique.values()]


def missing(question: str, texts: Iterable[str]) -> list[str]:
    """Return the aspects of the question of whose terms the texts have less than half."""
    said = {_root(term) for text in texts for term in terms(text)}
    asked = aspects(question)
    return [
        each
        for each in asked
        if any(mark.isalpha() for mark in each)
        and 2 * sum(_root(term) in said for term in terms(each)) < len(terms(each))
    ]


def query(question: str) -> str:
    """Return a search query: what stands in quotes, else the topical words, at most ten."""
    quoted = " ".join(_QUOTED.findall(question))
    words = topical_words(quoted or question) or (quoted or question).split()
    return " ".join(list(dict.fromkeys(words))[:10])


def rank(question: str, candidates: Sequence[Candidate]) -> list[Ranked]:
    """Order the candidates by how well they cover some part of the question, best first."""
    known = [terms(each.text) for each in candidates]
    frequency = Counter(term for each in known for term in each)
    weight = {
        term: 0.3 + math.log(1 + len(known) / (1 + frequency[term])) for term in terms(question)
    }
    asked = parts(question)
    scored = [
        max((_score(question, asked, at, each, weight) for at in range(len(asked))), key=_by_score)
        for each in candidates
    ]
    return sorted(scored, key=lambda each: -each.score)


def select(ranked: Sequence[Ranked], limit: int) -> list[Ranked]:
    """Take the best of every part of the question, then the next best, each with all its sources.

    A sentence that differs in a figure or a negation repeats nothing.
    """
    fitting = [each for each in ranked if each.score >= RELEVANT][: 12 * limit]
    floor = 0.6 * max((each.score for each in fitting), default=0.0)
    first = {each.part: each for each in reversed(fitting)}
    best = sorted(first.values(), key=_by_score, reverse=True)
    chosen: list[Ranked] = []
    for each in [*best, *(each for each in fitting if each.score >= floor)]:
        if len(chosen) < limit and not any(says_the_same(each.text, one.text) for one in chosen):
            chosen.append(each)
    return [_with_all_sources(each, ranked) for each in chosen]


def _with_all_sources(chosen: Ranked, ranked: Sequence[Ranked]) -> Ranked:
    same = [each.candidate.ids for each in ranked if says_the_same(each.text, chosen.text)]
    ids = dict.fromkeys([*chosen.candidate.ids, *(id for ids in same for id in ids)])
    return replace(chosen, candidate=replace(chosen.candidate, ids=tuple(ids)[:_MOST_SOURCES]))


def _score(
    question: str, asked: Sequence[str], at: int, candidate: Candidate, weight: dict[str, float]
) -> Ranked:
    own, around = terms(candidate.text), terms(candidate.context)

    def covered(wanted: frozenset[str]) -> float:
        got = sum(weight[t] * (1.0 if t in own else _HEADING * (t in around)) for t in wanted)
        return got / (sum(weight[t] for t in wanted) or 1.0)

    wanted = terms(asked[at])
    score = covered(wanted)
    if len(asked) > 1:
        score = (1 - _WHOLE) * score + _WHOLE * covered(terms(question))
    asks_figure = _ASKS_FIGURE.search(asked[at])
    if score and asks_figure and any(mark.isdigit() for mark in candidate.text):
        named = f" {asks_figure[1]}" in candidate.text  # `86 metres long`
        score += 2 * _FIGURE if named else _FIGURE
    score *= _shape(candidate.text, len(own))
    return Ranked(candidate, score + _SHARED * (candidate.seats > 1) - _WORDY * len(own), at)


def _shape(text: str, count: int) -> float:
    """Prefer whole sentences of moderate length to code and to what leans on the one before."""
    code = sum(map(len, _CODE.findall(text)))
    if count < 3 or 2 * code > len(text) or text.endswith((":", "?")) or _LABELLED.match(text):
        return 0.5
    return 0.75 if _STARTS_OPEN.match(text) or count > 35 else 1.0


def _by_score(each: Ranked) -> float:
    return each.score


def _root(term: str) -> str:
    """Cut to six letters: `synthesizer` and `synthesis` count as one."""
    return term[:6] if term.isalpha() else term
