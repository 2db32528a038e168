"""Sentences that agree, and sentences that cannot both be true: another figure, date or negation.

Tuned for precision: two sentences that may both be right (other things, years, conditions, ranges,
lists) are no conflict, so many a real one is missed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from langgraph_fusion.models.offline.figures import FIGURE, quantities, without_dates
from langgraph_fusion.models.offline.reading import Claim
from langgraph_fusion.models.offline.text import (
    denied,
    overlap,
    says_the_same,
    stem,
    terms,
    topical_words,
)

_HEDGED = re.compile(
    r"\d\s?(?:[-\u2013\u2014]|to|or)\s?\d|[<>≤≥~]\s?\d|\b(?:between|up to|at least|at most|"
    r"more than|less than|fewer than|under|over|about|around|roughly|nearly)\s(?:\w+\s)?\d",
    re.I,
)
_SERIES = re.compile(r"\d\s*(?:,\s|and\s|or\s|&)\s*\d")
_CONDITION = re.compile(r"\b(?:if|unless|when|until|except|only|without|before|after)\b", re.I)
_ROLE = re.compile(
    r"\b(?:default|max(?:imum)?|min(?:imum)?|average|median|total|first|second|third|last|"
    r"per \w+|each|estimated?|old|former|original)\b",
    re.I,
)
_NAME = re.compile(r"(?<!^)(?:`[^`]+`|\b[A-Z][\w-]*\b)")
_SAME_SUBJECT = 0.5
_SAME_SUBJECT_OTHERWISE = 0.6
"""Asked if each side has words of its own, which may name something else."""
_FREQUENT = 120
"""A term in more claims than this joins nobody: it would make the pairs quadratic."""


def agreements(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Group claims of different seats that state the same; the first of a group is to be quoted."""
    groups = {id(claim): [claim] for claim in claims}
    for left, right in _alike(claims):
        if groups[id(left)] is not groups[id(right)] and says_the_same(left.text, right.text):
            merged = groups[id(left)] + groups[id(right)]
            groups |= {id(claim): merged for claim in merged}
    unique = {id(group): group for group in groups.values()}.values()
    wide = [group for group in unique if len({claim.seat for claim in group}) > 1]
    return [sorted(group, key=lambda c: (not c.ids, len(c.text))) for group in wide]


def conflicts(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Return the claims of each conflict, one for each seat and stance."""
    found: list[list[Claim]] = []
    for left, right in _alike(claims):
        one_hand = left.seat == right.seat and (not left.ids or set(left.ids) & set(right.ids))
        if one_hand or not (_other_figure(left, right) or _denies(left, right)):
            continue
        group = next((group for group in found if left in group or right in group), None)
        if group is None:
            found.append(group := [])
        group += [claim for claim in (left, right) if claim not in group]
    return [_one_per_stance(group) for group in found]


def topic(claims: Sequence[Claim], asked: Iterable[str]) -> str:
    """Return what the claims are about: the aspect asked for whose words they share, or those."""
    shared = frozenset.intersection(*(_subject(claim) for claim in claims))
    named = [aspect for aspect in asked if len(terms(aspect)) > 1 and terms(aspect) <= shared]
    if named:  # a mere name is what the whole question is about
        return max(named, key=lambda aspect: (aspect[:1].islower(), len(terms(aspect))))
    words = [word for word in topical_words(claims[0].text) if stem(word) in shared]
    return " ".join(list(dict.fromkeys(words))[:6]) or claims[0].text[:60]


def _other_figure(left: Claim, right: Claim) -> bool:
    """Same subject, same measure, one value each that the other does not have."""
    if not _same_subject(left, right) or any(_HEDGED.search(c.text) for c in (left, right)):
        return False
    measures = {q.measure for q in quantities(left.text)} & {
        q.measure for q in quantities(right.text)
    }
    differing = [measure for measure in measures if _differs(left, right, measure)]
    if len(differing) != 1 or left.negated != right.negated:
        return False
    times = [{q.value for q in quantities(c.text) if q.measure == "year"} for c in (left, right)]
    return differing[0] in ("date", "year") or times[0] == times[1]


def _differs(left: Claim, right: Claim, measure: str) -> bool:
    ours, theirs = ({q for q in quantities(c.text) if q.measure == measure} for c in (left, right))
    several = max(len(ours), len(theirs)) > 1
    if measure not in ("date", "year") and (
        several or any(_SERIES.search(c.text) for c in (left, right))
    ):
        return False
    only_ours = [q for q in ours if not any(q.is_same(each) for each in theirs)]
    only_theirs = [q for q in theirs if not any(q.is_same(each) for each in ours)]
    return len(only_ours) == len(only_theirs) == 1


def _denies(left: Claim, right: Claim) -> bool:
    """One denies what the other says: the denied word is there, and few words are added."""
    if left.negated == right.negated:
        return False
    denying, saying = (left, right) if left.negated else (right, left)
    if bool(_CONDITION.search(left.text)) != bool(_CONDITION.search(right.text)):
        return False
    if not denied(denying.text) & saying.terms or left.numbers != right.numbers:
        return False
    contained = denying.terms <= saying.terms and len(saying.terms - denying.terms) <= 3
    return len(left.terms & right.terms) >= 3 and (
        contained or overlap(left.terms, right.terms) >= 0.75
    )


def _same_subject(left: Claim, right: Claim) -> bool:
    ours, theirs = _subject(left), _subject(right)
    asked = _SAME_SUBJECT_OTHERWISE if ours - theirs and theirs - ours else _SAME_SUBJECT
    if len(ours & theirs) < 2 or overlap(ours, theirs) < asked:
        return False
    roles = [{each.lower() for each in _ROLE.findall(c.text)} for c in (left, right)]
    return roles[0] == roles[1] and not (_names(left) - theirs and _names(right) - ours)


def _subject(claim: Claim) -> frozenset[str]:
    """Return the terms of a claim without its figures, their units and its dates."""
    found = FIGURE.finditer(without_dates(claim.text))
    units = frozenset[str]().union(*(terms(each.group()) for each in found))
    return terms(without_dates(claim.text)) - claim.numbers - units


def _names(claim: Claim) -> frozenset[str]:
    found = _NAME.findall(without_dates(claim.text))
    return frozenset[str]().union(*map(terms, found)) - claim.numbers


def _one_per_stance(group: Sequence[Claim]) -> list[Claim]:
    """Return one claim for each seat and stance; of seats on every side, one for each side."""
    ordered = sorted(group, key=lambda each: (each.seat, each.order))
    stances: dict[tuple[frozenset[str], bool], dict[str, Claim]] = {}
    for claim in ordered:
        stances.setdefault((claim.numbers, claim.negated), {}).setdefault(claim.seat, claim)
    held = Counter(seat for seats in stances.values() for seat in seats)
    found: list[Claim] = []
    for seats in stances.values():
        sure = [claim for seat, claim in seats.items() if held[seat] == 1]
        new = [claim for claim in seats.values() if claim.seat not in {c.seat for c in found}]
        found += sure or [*new, *seats.values()][:1]
    return sorted(found, key=lambda each: (each.seat, each.order))


def _alike(claims: Sequence[Claim]) -> Iterator[tuple[Claim, Claim]]:
    """Yield each pair of claims with at least two of the rarer terms in common."""
    members: dict[str, list[int]] = {}
    for at, claim in enumerate(claims):
        for term in claim.terms:
            members.setdefault(term, []).append(at)
    for at, claim in enumerate(claims):
        rare = (members[t] for t in claim.terms if len(members[t]) <= _FREQUENT)
        common = Counter(other for found in rare for other in found if other < at)
        for other in sorted(each for each, count in common.items() if count >= 2):
            yield claims[other], claim
