"""The first analysis of a panel's answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from langgraph_fusion.models.offline.agreement import Agreement, agreements, alone
from langgraph_fusion.models.offline.asking import follow_up_questions
from langgraph_fusion.models.offline.case import Case
from langgraph_fusion.models.offline.claims import Claim
from langgraph_fusion.models.offline.conflicts import Conflict, conflicts
from langgraph_fusion.models.offline.gaps import gaps
from langgraph_fusion.models.offline.questions import aspects
from langgraph_fusion.models.offline.ranking import Candidate, rank
from langgraph_fusion.models.offline.suspects import Suspect, suspects
from langgraph_fusion.models.offline.words import terms

Entries = list[dict[str, Any]]
_RELEVANT = 0.3
"""Share of the question a sentence covers to matter."""
_MOST = 12
_MOST_PER_SEAT = 3
_MOST_SUSPECTS = 8
_LONGEST = 460


def analyse(case: Case) -> dict[str, Any]:
    """Return the Analysis of the answers with the follow-ups it takes to settle what is open."""
    relevance = claim_relevance(case)
    clashes = sorted(
        conflicts(case.statements), key=lambda each: -max(relevance[id(c)] for c in each.claims)
    )[:_MOST]
    doubts = suspects(case)
    disputed = {shorten(claim.text) for clash in clashes for claim in clash.claims}
    analysis = findings(case, relevance, disputed | {shorten(doubt.claim.text) for doubt in doubts})
    analysis |= {
        "contradictions": [
            _contradiction(at, each, case, relevance) for at, each in enumerate(clashes, 1)
        ],
        "partial_coverage": _partial_coverage(case),
        "blind_spots": _blind_spots(case),
        "suspect_claims": _suspect_claims(doubts, relevance),
    }
    analysis["follow_ups"] = follow_up_questions(analysis, case)
    analysis["best_answer"] = _best_answer(case, analysis, relevance)
    return analysis


def findings(
    case: Case, relevance: Mapping[int, float], disputed: Collection[str]
) -> dict[str, Any]:
    """Return consensus and unique insights, without the texts that are disputed or doubtful."""
    sound = [claim for claim in case.statements if shorten(claim.text) not in disputed]
    together = agreements(sound)
    ordered = sorted(
        together, key=lambda each: (-len(each.seats), -_relevance(each.claims, relevance))
    )
    return {
        "consensus": [_consensus(each, case) for each in ordered[:_MOST]],
        "unique_insights": _insights(alone(sound, together), case, relevance),
    }


def claim_relevance(case: Case) -> dict[int, float]:
    """Return how much of the question each claim covers, by the identity of the claim."""
    claims = case.claims
    candidates = [Candidate(claim.text, claim.seat, at) for at, claim in enumerate(claims)]
    return {
        id(claims[each.candidate.order]): each.score
        for each in rank(case.question, candidates, case.lines)
    }


def shorten(text: str) -> str:
    """Cut to a quotable length at a space."""
    return text if len(text) <= _LONGEST else text[:_LONGEST].rsplit(" ", 1)[0] + " …"


def _relevance(claims: Iterable[Claim], relevance: Mapping[int, float]) -> float:
    return max((relevance.get(id(claim), 0.0) for claim in claims), default=0.0)


def _consensus(agreement: Agreement, case: Case) -> dict[str, Any]:
    return {
        "claim": shorten(agreement.claims[0].text),
        "seats": agreement.seats,
        "sources": case.shown(agreement.ids),
    }


def _insights(claims: Sequence[Claim], case: Case, relevance: Mapping[int, float]) -> Entries:
    found: Entries = []
    for seat in sorted(case.answers):
        own = [claim for claim in claims if claim.seat == seat and case.shown(claim.ids)]
        best = sorted(own, key=lambda claim: -relevance[id(claim)])[:_MOST_PER_SEAT]
        found += [
            {"insight": shorten(claim.text), "seat": seat, "sources": case.shown(claim.ids)}
            for claim in best
            if relevance[id(claim)] >= _RELEVANT
        ]
    return found


def _contradiction(
    at: int, conflict: Conflict, case: Case, relevance: Mapping[int, float]
) -> dict[str, Any]:
    matters = _relevance(conflict.claims, relevance) >= _RELEVANT
    return {
        "id": f"K{at}",
        "topic": conflict.topic,
        "stances": [
            {"seat": claim.seat, "stance": shorten(claim.text), "sources": case.shown(claim.ids)}
            for claim in conflict.claims
        ],
        "status": "open",
        "matters": "high" if matters else "low",
    }


def _partial_coverage(case: Case) -> Entries:
    """Return the aspects of the question that some answers touch and others do not."""
    said = {
        seat: frozenset[str]().union(
            *(claim.terms for claim in case.statements if claim.seat == seat)
        )
        for seat in sorted(case.answers)
    }
    asked = aspects(case.question)
    found: Entries = []
    for aspect in asked if len(asked) > 1 else []:
        seats = [seat for seat, words in said.items() if words.issuperset(aspect.terms)]
        if seats and len(seats) < len(said):
            found.append({"id": f"P{len(found) + 1}", "point": aspect.text, "seats": seats})
    return found


def _blind_spots(case: Case) -> Entries:
    if not case.statements:
        whole = "Nothing in the sources that were searched is about the question."
        return [{"id": "G1", "gap": whole, "matters": "high"}] if case.answers else []
    found = gaps(case.question, (claim.text for claim in case.statements))
    return [
        {
            "id": f"G{at}",
            "gap": f"No answer says anything about “{gap.aspect.text}”.",
            "matters": "high" if gap.central else "low",
        }
        for at, gap in enumerate(found, 1)
    ]


def _suspect_claims(doubts: Sequence[Suspect], relevance: Mapping[int, float]) -> Entries:
    ordered = sorted(doubts, key=lambda doubt: (not doubt.certain, -relevance[id(doubt.claim)]))
    return [
        {
            "id": f"S{at}",
            "claim": shorten(doubt.claim.text),
            "seat": doubt.claim.seat,
            "why": doubt.why,
            "matters": "high"
            if doubt.certain and relevance[id(doubt.claim)] >= _RELEVANT
            else "low",
        }
        for at, doubt in enumerate(ordered[:_MOST_SUSPECTS], 1)
    ]


def _best_answer(
    case: Case, analysis: Mapping[str, Any], relevance: Mapping[int, float]
) -> str | None:
    """Return the seat that covers most of the question with cited, undoubted sentences."""
    consensus, doubts = analysis["consensus"], analysis["suspect_claims"]

    def merit(seat: str) -> float:
        own = [claim for claim in case.statements if claim.seat == seat]
        cited = frozenset[str]().union(*(claim.terms for claim in own if case.shown(claim.ids)))
        asked = terms(case.question)
        covered = len(asked & cited) / (len(asked) or 1)
        shared = len([each for each in consensus if seat in each["seats"]])
        doubted = len([each for each in doubts if seat == each["seat"]])
        best = _relevance(own, relevance)
        return covered + best + 0.1 * min(shared, 5) - 0.2 * doubted - 0.3 * (seat in case.partial)

    return max(sorted(case.answers), key=merit, default=None)
