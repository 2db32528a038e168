"""Which sentences answer a question: coverage of its terms, then little repetition."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from langgraph_fusion.models.offline.questions import sub_questions, topical_terms
from langgraph_fusion.models.offline.words import likeness, term_list, terms

HEADING_SHARE = 0.4
"""A question term that stands only in the heading or title counts this much."""
SAME = 0.6
"""Sentences that share this much of their terms say the same."""
_PREFERENCES = (
    (re.compile(r"\b(?:when|what year|since when|what date)\b", re.I), re.compile(r"\b\d{4}\b")),
    (re.compile(r"\bhow (?:many|much|long|large|big|often|far|old)\b", re.I), re.compile(r"\d")),
    (re.compile(r"\bwhy\b", re.I), re.compile(r"\b(?:because|since|so that|reason|otherwise)\b")),
    (re.compile(r"\b(?:install|command|set up)\b", re.I), re.compile(r"`")),
    (re.compile(r"^what (?:is|are)\b", re.I), re.compile(r"^[^.]{2,60}\b(?:is|are) (?:an?|the)\b")),
)  # fmt: skip
_PREFERENCE_BONUS = 0.15
_ADJACENT_BONUS = 0.1
_LIST_MARK = re.compile(r"[,;]\s")
_CODE = re.compile(r"`[^`]*`")
_ROW = re.compile(r" — [^.:—]{1,60}: ")
_ROW_SHARE = 0.88
_PART_SHARE = 0.95
_ENUMERATION = 5
"""Commas from which a sentence with one in every third word is a mere list."""


@dataclass(frozen=True)
class Candidate:
    """A sentence of a source, ready to be ranked."""

    text: str
    source: str
    order: int
    context: str = ""
    """Title, heading and list lead: words the sentence is understood with."""
    paragraph: int = 0


@dataclass(frozen=True)
class Ranked:
    candidate: Candidate
    score: float
    """Share of the weighted question terms covered, about 0 to 1.3 with the bonuses."""
    terms: frozenset[str]


def rank(
    question: str, candidates: Sequence[Candidate], background: Sequence[str] = ()
) -> list[Ranked]:
    """Order the candidates by how well they cover the question or one part of it, best first.

    How rare a term is counts; `background` are further lines to learn that from.
    """
    known = [each.text for each in candidates] + list(background)
    parts = sub_questions(question)
    rounds = [_rank_part(part, candidates, known) for part in parts]
    share = 1.0 if len(parts) == 1 else _PART_SHARE
    ranked = [
        max(
            (replace(each, score=each.score * share) for each in found), key=lambda each: each.score
        )
        for found in zip(*rounds, strict=True)
    ]
    return sorted(ranked, key=lambda each: (-each.score, each.candidate.order))


def select(
    ranked: Sequence[Ranked], limit: int, *, floor: float, per_source: int = 99
) -> list[Ranked]:
    """Take up to `limit` sentences scoring at least `floor` that do not repeat each other."""
    chosen: list[Ranked] = []
    taken: Counter[str] = Counter()
    pool = [each for each in ranked if each.score >= floor][: 12 * limit]
    while pool and len(chosen) < limit:
        best = max(pool, key=lambda each: (_marginal(each, chosen), -each.candidate.order))
        pool.remove(best)
        if taken[best.candidate.source] < per_source and _novelty(best, chosen) > 1 - SAME:
            chosen.append(best)
            taken[best.candidate.source] += 1
    return chosen


def _rank_part(
    question: str, candidates: Sequence[Candidate], known: Sequence[str]
) -> list[Ranked]:
    asked = topical_terms(question)
    weights = _weights(asked, known)
    return [_score(question, asked, weights, candidate) for candidate in candidates]


def _weights(asked: Sequence[str], known: Sequence[str]) -> dict[str, float]:
    frequency: Counter[str] = Counter()
    for text in known:
        frequency.update(terms(text).intersection(asked))
    total = len(known) + 1
    return {
        term: 0.2 + math.log(1 + (total - frequency[term] + 0.5) / (frequency[term] + 0.5))
        for term in asked
    }


def _score(
    question: str, asked: Sequence[str], weights: Mapping[str, float], candidate: Candidate
) -> Ranked:
    own = terms(candidate.text)
    whole = sum(weights.values()) or 1.0
    covered = sum(weights[term] for term in asked if term in own)
    around = terms(candidate.context) - own
    covered += HEADING_SHARE * sum(weights[term] for term in asked if term in around)
    bonus = _bonus(question, asked, candidate.text) if covered else 0.0
    return Ranked(candidate, (covered / whole + bonus) * _shape(candidate.text, len(own)), own)


def _bonus(question: str, asked: Sequence[str], text: str) -> float:
    bonus = sum(
        _PREFERENCE_BONUS
        for ask, answer in _PREFERENCES
        if ask.search(question) and answer.search(text)
    )
    pairs = set(pairwise(asked))
    said = term_list(text)
    if pairs.intersection(pairwise(said)):
        bonus += _ADJACENT_BONUS
    return min(bonus, 0.25)


def _shape(text: str, count: int) -> float:
    """Prefer sentences of 5 to 32 terms that are more than code or an enumeration."""
    marks = len(_LIST_MARK.findall(text))
    code = sum(map(len, _CODE.findall(text)))
    if text.count("://") > 1:
        return 0.55
    if count < 3 or 2 * code > len(text) or (marks >= _ENUMERATION and 3 * marks > text.count(" ")):
        return 0.55
    if _ROW.search(text):
        return _ROW_SHARE
    return 0.85 if count < 5 or count > 32 else 1.0


def _marginal(each: Ranked, chosen: Sequence[Ranked]) -> float:
    return each.score * (0.5 + 0.5 * _novelty(each, chosen))


def _novelty(each: Ranked, chosen: Sequence[Ranked]) -> float:
    text = each.candidate.text
    return 1 - max((likeness(text, other.candidate.text) for other in chosen), default=0.0)
