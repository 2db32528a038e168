"""The parts of the final answer, each sentence once, citing only what was shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph_fusion.models.offline.agreement import AGREE
from langgraph_fusion.models.offline.analysing import shorten
from langgraph_fusion.models.offline.asking import quoted
from langgraph_fusion.models.offline.case import Case
from langgraph_fusion.models.offline.citations import cite, cited_ids, without_citations
from langgraph_fusion.models.offline.claims import read_reply
from langgraph_fusion.models.offline.entries import entries, strings
from langgraph_fusion.models.offline.ranking import Candidate, rank
from langgraph_fusion.models.offline.words import likeness, overlap, terms


@dataclass(frozen=True)
class Point:
    """One sentence of the final answer."""

    text: str
    ids: Sequence[str]
    seats: int
    relevance: float = 0.0


@dataclass
class Written:
    """What the text says so far."""

    said: list[str] = field(default_factory=list[str])

    def is_new(self, text: str) -> bool:
        """Tell whether nothing like it was said, and remember it."""
        if any(likeness(text, other) > AGREE for other in self.said):
            return False
        self.said.append(text)
        return True


def points(case: Case, analysis: Mapping[str, Any]) -> list[Point]:
    """Return what the panel found, most relevant first, without what is doubtful or disputed."""
    left_out = [terms(text) for text in _left_out(analysis)]
    found = [each for each in _all_points(case, analysis) if not _is_one_of(each.text, left_out)]
    candidates = [Candidate(each.text, "", at) for at, each in enumerate(found)]
    scores = {
        each.candidate.order: each.score for each in rank(case.question, candidates, case.lines)
    }
    scored = [Point(p.text, p.ids, p.seats, scores[at]) for at, p in enumerate(found)]
    return sorted(scored, key=lambda point: -point.relevance - 0.1 * (point.seats > 1))


def follow_up_points(case: Case) -> list[Point]:
    """Return the cited sentences of the follow-up answers about gaps and doubts."""
    claims = [
        claim
        for each in case.follow_ups
        if not each.about.startswith("K")
        for claim in read_reply(each.seat, each.id, each.text)
    ]
    return [
        Point(claim.text, case.shown(claim.ids), 1) for claim in claims if case.shown(claim.ids)
    ]


def computed_lines(case: Case) -> list[str]:
    """Return what a member computed for the question itself."""
    return [
        claim.text
        for claim in case.claims
        if claim.is_own_work and claim.text.startswith("Computed")
    ][:1]


def disagreements(case: Case, analysis: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line per contradiction: both sides with their sources, and how it ended."""
    for each in entries(analysis, "contradictions"):
        sides = [
            cite(f"“{text.rstrip('.')}”", ids).rstrip(".")
            for text, ids in _sides(entries(each, "stances"), case).items()
        ]
        if len(sides) > 1:
            yield f"**{_topic(each)}**: {' against '.join(sides)}. {_outcome(each, case)}"


def unsettled(analysis: Mapping[str, Any]) -> list[str]:
    """Return the topics that matter and on which the sources still disagree."""
    found = entries(analysis, "contradictions")
    return [
        _topic(each)
        for each in found
        if each.get("status") != "resolved" and each.get("matters") == "high"
    ]


def not_found(analysis: Mapping[str, Any]) -> list[str]:
    """Return the topics nothing was found about."""
    gaps = [str(each.get("gap", "")) for each in entries(analysis, "blind_spots")]
    return [f"“{quoted(gap)}”" if "“" in gap else gap for gap in gaps if gap]


def _all_points(case: Case, analysis: Mapping[str, Any]) -> Iterator[Point]:
    for each in entries(analysis, "consensus"):
        yield Point(str(each.get("claim", "")), _ids(each, case), len(strings(each, "seats")) or 2)
    for each in entries(analysis, "unique_insights"):
        yield Point(str(each.get("insight", "")), _ids(each, case), 1)
    for claim in case.statements:
        if case.shown(claim.ids) or not case.sources:
            yield Point(claim.text, case.shown(claim.ids), 1)


def _left_out(analysis: Mapping[str, Any]) -> Iterator[str]:
    for doubt in entries(analysis, "suspect_claims"):
        yield str(doubt.get("claim", ""))
    for each in entries(analysis, "contradictions"):
        yield from (str(stance.get("stance", "")) for stance in entries(each, "stances"))


def _is_one_of(text: str, left_out: Iterable[frozenset[str]]) -> bool:
    words = terms(without_citations(text))
    return any(overlap(words, other) > 0.8 for other in left_out)


def _ids(entry: Mapping[str, Any], case: Case) -> list[str]:
    return case.shown(strings(entry, "sources"))


def _sides(stances: Sequence[Mapping[str, Any]], case: Case) -> dict[str, list[str]]:
    """Return the shown sources of each distinct stance."""
    sides: dict[str, list[str]] = {}
    for stance in stances:
        sides.setdefault(shorten(str(stance.get("stance"))), []).extend(_ids(stance, case))
    return sides


def _topic(contradiction: Mapping[str, Any]) -> str:
    return str(contradiction.get("topic") or "Contested")


def _outcome(contradiction: Mapping[str, Any], case: Case) -> str:
    resolution = str(contradiction.get("resolution") or "")
    shown = case.shown(cited_ids(resolution))
    text = cite(without_citations(resolution), shown) if shown else without_citations(resolution)
    if contradiction.get("status") == "resolved":
        return f"Settled: {text}"
    return f"This stays open. {text}".strip()
