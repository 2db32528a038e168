"""Statements that cannot both be true: other numbers, another name in the same place, a negation.

Tuned for precision: two answers that may both be right (other entities, years, conditions, ranges,
lists, several valid choices) are not a conflict, so many a real one is missed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from langgraph_fusion.models.offline.claims import Claim, alike_pairs
from langgraph_fusion.models.offline.frames import other_name_in_the_same_place
from langgraph_fusion.models.offline.quantities import (
    Quantity,
    bounded,
    hedged,
    same_value,
    without_dates,
)
from langgraph_fusion.models.offline.words import is_topical, overlap, stem, term_list, terms

_SAME_STATEMENT = 0.75
_SAME_SUBJECT = 0.5
_SAME_SUBJECT_OTHERWISE = 0.6
"""Asked if each side has words of its own, which may name something else."""
_SAME_TOPIC = 0.3
_FEWEST_SHARED = 3
_CONDITION = re.compile(r"\b(?:if|unless|when|until|except|only|without|before|after|once)\b", re.I)
_NOT = re.compile(r"\b(?:not|never|cannot)\b|n['\u2019]t\b", re.I)
_ROLE = re.compile(
    r"\b(?:default|max(?:imum)?|min(?:imum)?|average|median|mean|total|first|second|third|last|soft|"
    r"hard|per \w+|each|estimated?|at most|at least|new|old|former|original)\b",
    re.IGNORECASE,
)
_SERIES = re.compile(r"\d\s*(?:,\s|and\s|or\s|&)\s*\d")
_TIMES = {"year", "date"}
_NAME = re.compile(r"`[^`]+`|\b[A-Z][\w-]*\b")


@dataclass(frozen=True)
class Conflict:
    topic: str
    claims: Sequence[Claim]
    """One per stance and seat."""
    kind: str


def conflicts(claims: Sequence[Claim]) -> list[Conflict]:
    """Return the conflicts between claims; pairs that share a claim are one conflict."""
    joined: list[tuple[str, list[Claim], str]] = []
    for left, right, kind in _conflicting_pairs(claims):
        for _, together, known in joined:
            if known == kind and (left in together or right in together):
                together += [claim for claim in (left, right) if claim not in together]
                break
        else:
            joined.append((_topic(left, right), [left, right], kind))
    return [Conflict(topic, _one_per_stance(found), kind) for topic, found, kind in joined]


def _conflicting_pairs(claims: Sequence[Claim]) -> Iterator[tuple[Claim, Claim, str]]:
    for left, right in alike_pairs(claims, 2):
        if left.seat == right.seat and not _from_two_sources(left, right):
            continue
        kind = next((kind for kind, rule in _RULES.items() if rule(left, right)), "")
        if kind:
            yield left, right, kind


def _from_two_sources(left: Claim, right: Claim) -> bool:
    return bool(left.ids and right.ids) and not set(left.ids) & set(right.ids)


def _other_number(left: Claim, right: Claim) -> bool:
    """Same subject, same measure, one value each that the other does not have."""
    if overlap(left.terms, right.terms) < _SAME_TOPIC or _different_subjects(left, right):
        return False
    if hedged(left.text) or hedged(right.text):
        return False
    measures = {each.measure for each in left.quantities} & {
        each.measure for each in right.quantities
    }
    differing = [measure for measure in sorted(measures) if _differs(left, right, measure)]
    return len(differing) == 1 and not _other_anchor(left, right, differing[0])


def _differs(left: Claim, right: Claim, measure: str) -> bool:
    ours, theirs = _values(left, measure), _values(right, measure)
    listed = _SERIES.search(left.text) or _SERIES.search(right.text)
    if measure not in _TIMES and (listed or max(len(ours), len(theirs)) > 1):
        return False
    return len(_only(ours, right)) == 1 and len(_only(theirs, left)) == 1


def _values(claim: Claim, measure: str) -> list[Quantity]:
    values = {each.value: each for each in claim.quantities if each.measure == measure}
    return list(values.values())


def _only(values: Sequence[Quantity], other: Claim) -> list[Quantity]:
    """Return the values the other claim does not have; a year stands in every date of that year."""
    return [
        value
        for value in values
        if not any(
            same_value(value, each) if each.measure == value.measure else _same_year(value, each)
            for each in other.quantities
        )
    ]


def _same_year(left: Quantity, right: Quantity) -> bool:
    """Tell whether one is a date in the year that the other is."""
    years = [each.digits for each in (left, right) if each.measure == "year"]
    dates = [str(each.value) for each in (left, right) if each.measure == "date"]
    return len(years) == len(dates) == 1 and dates[0].startswith(years[0])


def _negated(left: Claim, right: Claim) -> bool:
    """One denies what the other says: the denied word is there, and few words are added."""
    if left.negated == right.negated:
        return False
    denying, saying = (left, right) if left.negated else (right, left)
    if bool(_CONDITION.search(left.text)) != bool(_CONDITION.search(right.text)):
        return False
    if not _denied(denying.text) & saying.terms or len(left.terms & right.terms) < _FEWEST_SHARED:
        return False
    contained = denying.terms <= saying.terms
    added = len(saying.terms) - len(denying.terms)
    same = left.numbers == right.numbers and overlap(left.terms, right.terms) >= _SAME_STATEMENT
    return (contained and added <= _FEWEST_SHARED) or same


def _denied(text: str) -> frozenset[str]:
    """Return the first topical word after `not` or `never`."""
    found = _NOT.search(text)
    return frozenset(term_list(text[found.end() :])[:1]) if found else frozenset()


def _other_name(left: Claim, right: Claim) -> bool:
    if overlap(left.terms, right.terms) < _SAME_SUBJECT or left.negated != right.negated:
        return False
    if bounded(left.text) or bounded(right.text):
        return False
    return other_name_in_the_same_place(left.text, right.text)


_RULES: dict[str, Callable[[Claim, Claim], bool]] = {
    "number": _other_number,
    "negation": _negated,
    "name": _other_name,
}


def _other_anchor(left: Claim, right: Claim, measure: str) -> bool:
    """Tell whether another year or date sets the two apart, unless that is what differs."""
    if measure in _TIMES:
        return False
    times = [
        {str(each.value) for each in claim.quantities if each.measure in _TIMES}
        for claim in (left, right)
    ]
    return times[0] != times[1]


def _different_subjects(left: Claim, right: Claim) -> bool:
    ours, theirs = _subject(left), _subject(right)
    enough = _SAME_SUBJECT_OTHERWISE if ours - theirs and theirs - ours else _SAME_SUBJECT
    if len(ours & theirs) < 2 or overlap(ours, theirs) < enough:
        return True
    if {each.lower() for each in _ROLE.findall(left.text)} != {
        each.lower() for each in _ROLE.findall(right.text)
    }:
        return True
    return bool(_names(left) - theirs) and bool(_names(right) - ours)


def _subject(claim: Claim) -> frozenset[str]:
    measures = {each.measure.lstrip("~") for each in claim.quantities}
    spelled = {each.digits.lower() for each in claim.quantities}
    return terms(without_dates(claim.text)) - claim.numbers - measures - spelled


def _names(claim: Claim) -> frozenset[str]:
    """Return the terms of identifiers and of capitalised words other than the first."""
    found = [
        match
        for match in _NAME.finditer(without_dates(claim.text))
        if match.start() or match.group()[0] == "`"
    ]
    return frozenset[str]().union(*(terms(match.group()) for match in found))


def _topic(left: Claim, right: Claim) -> str:
    """Return the words both share, in order, as far as they name what it is about."""
    measures = {each.measure for each in left.quantities}
    shared = (left.terms & right.terms) - left.numbers - measures
    words = [word.strip("`*_,.;:()[]{}\"'“”?!") for word in left.text.split()]
    named = [word for word in words if is_topical(word) and stem(word) in shared]
    return " ".join(list(dict.fromkeys(named))[:6]) or " ".join(words[:6])


def _one_per_stance(found: Sequence[Claim]) -> list[Claim]:
    unique: dict[tuple[str, frozenset[str], bool], Claim] = {}
    for claim in sorted(found, key=lambda each: (each.seat, each.order)):
        unique.setdefault((claim.seat, claim.terms, claim.negated), claim)
    return list(unique.values())
