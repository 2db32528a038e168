"""The judge: compares the answers sentence by sentence and returns an Analysis as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_fusion.models.offline.chat import OfflineChatModel, Tools
from langgraph_fusion.models.offline.conflicts import agreements, conflicts, topic
from langgraph_fusion.models.offline.figures import in_words
from langgraph_fusion.models.offline.ranking import (
    RELEVANT,
    Candidate,
    aspects,
    missing,
    query,
    rank,
)
from langgraph_fusion.models.offline.reading import Case, Claim, Entry, entries, read_case
from langgraph_fusion.models.offline.text import (
    cite,
    overlap,
    says_the_same,
    terms,
)

_MOST = 12
_MOST_OF_A_SEAT = 3
_MOST_FOLLOW_UPS = 4
_CURRENT_DAYS = 90
"""A source that is older than another by more than this is outdated where the two disagree."""


class JudgeModel(OfflineChatModel):
    """Compares first answers; after follow-ups it brings its analysis up to date."""

    def reply(self, messages: Sequence[BaseMessage], tools: Tools) -> AIMessage:
        case = read_case(messages)
        analysis = _updated(case) if case.analysis else analyse(case)
        return AIMessage(content=json.dumps(analysis, ensure_ascii=False, indent=1))


def analyse(case: Case) -> Entry:
    """Return the first analysis, with the follow-ups that may settle what is open and matters."""
    relevance = _relevance(case)
    clashes = sorted(conflicts(case.claims), key=lambda each: -_most(each, relevance))[:_MOST]
    contradictions = [
        {
            "id": f"K{at}",
            "topic": topic(claims, aspects(case.question)),
            "stances": [
                {"seat": c.seat, "stance": c.text, "sources": case.shown(c.ids)} for c in claims
            ],
            "status": "open",
            "matters": "high" if _most(claims, relevance) >= RELEVANT else "low",
        }
        for at, claims in enumerate(clashes, 1)
    ]
    gaps = _blind_spots(case)
    asked = list(_follow_ups(contradictions, gaps))[:_MOST_FOLLOW_UPS]
    return _findings(case, relevance, {c.text for claims in clashes for c in claims}) | {
        "contradictions": contradictions,
        "blind_spots": gaps,
        "follow_ups": [{"id": f"F{at}"} | each for at, each in enumerate(asked, 1)],
        "best_answer": _best_answer(case, relevance),
    }


def quoted(text: str) -> str:
    """Return what stands in quotation marks, or nothing."""
    return text.partition("“")[2].partition("”")[0]


def _updated(case: Case) -> Entry:
    """Return the earlier analysis with the follow-up answers taken into account; ids are kept.

    What was asked once is not asked again: the same tools would find the same.
    """
    earlier = case.analysis
    settled = [_settled(each, case) for each in entries(earlier, "contradictions")]
    disputed = {str(s.get("stance")) for each in settled for s in entries(each, "stances")}
    gaps = [each for each in entries(earlier, "blind_spots") if not _filled(each, case)]
    return _findings(case, _relevance(case), disputed) | {
        "contradictions": settled,
        "blind_spots": gaps,
        "follow_ups": [],
        "best_answer": earlier.get("best_answer") or min(case.answers, default=None),
    }


def _findings(case: Case, relevance: Mapping[str, float], disputed: Collection[str]) -> Entry:
    """Return what several seats say and what only one says, without what is disputed."""
    sound = [claim for claim in case.claims if claim.text not in disputed]
    together = sorted(agreements(sound), key=lambda each: -_most(each, relevance))[:_MOST]
    shared = [claim.text for group in together for claim in group]
    alone = [
        claim
        for claim in sorted(sound, key=lambda each: -relevance[each.text])
        if relevance[claim.text] >= RELEVANT and case.shown(claim.ids)
        if not any(says_the_same(claim.text, other) for other in shared)
    ]
    return {
        "consensus": [
            {
                "claim": group[0].text,
                "seats": sorted({claim.seat for claim in group}),
                "sources": case.shown(each for claim in group for each in claim.ids),
            }
            for group in together
        ],
        "unique_insights": [
            {"insight": c.text, "seat": c.seat, "sources": case.shown(c.ids)}
            for seat in sorted(case.answers)
            for c in [c for c in alone if c.seat == seat][:_MOST_OF_A_SEAT]
        ],
    }


def _relevance(case: Case) -> dict[str, float]:
    """Return how much of the question each sentence covers."""
    texts = dict.fromkeys(claim.text for claim in case.claims)
    return {r.text: r.score for r in rank(case.question, [Candidate(t, ()) for t in texts])}


def _most(claims: Iterable[Claim], relevance: Mapping[str, float]) -> float:
    return max((relevance[claim.text] for claim in claims), default=0.0)


def _blind_spots(case: Case) -> list[Entry]:
    if not case.claims:
        topics = [query(case.question)] if case.answers else []
    else:
        topics = missing(case.question, (claim.text for claim in case.claims))
    return [
        {"id": f"G{at}", "gap": f"No answer says anything about “{each}”.", "matters": "high"}
        for at, each in enumerate(topics, 1)
    ]


def _follow_ups(contradictions: Iterable[Entry], gaps: Iterable[Entry]) -> Iterator[Entry]:
    """Ask what tells nobody what another said; about a gap whom the graph holds best placed."""
    for each in contradictions:
        if each["matters"] == "high":
            yield {
                "question": f"What do documents say about “{each['topic']}”, and of which date?",
                "kind": "contradiction",
                "about": each["id"],
                "seats": sorted({stance["seat"] for stance in each["stances"]}),
            }
    for each in gaps:
        asked = f"Does any document say anything about “{quoted(each['gap'])}”?"
        yield {"question": asked, "kind": "blind_spot", "about": each["id"], "seats": []}


def _best_answer(case: Case, relevance: Mapping[str, float]) -> str | None:
    """Return the seat whose sourced sentences cover most of the question."""

    def merit(seat: str) -> float:
        own = {c.text for c in case.claims if c.seat == seat and case.shown(c.ids)}
        return sum(relevance[text] for text in own)

    return max(sorted(case.answers), key=merit, default=None)


def _filled(gap: Entry, case: Case) -> bool:
    wanted = terms(quoted(str(gap.get("gap"))))
    found = (claim for claims in case.replies(str(gap.get("id"))).values() for claim in claims)
    return any(3 * len(wanted & claim.terms) >= 2 * len(wanted) for claim in found)


def _settled(contradiction: Entry, case: Case) -> Entry:
    """Resolve it if the replies bear out one stance alone, or one newer than the others."""
    stances = entries(contradiction, "stances")
    replies = case.replies(str(contradiction.get("id")))
    if contradiction.get("status") != "open" or not stances:
        return contradiction
    silent = sorted({str(stance.get("seat")) for stance in stances} - set(replies))
    if silent:
        why = f"No sourced reply came from {', '.join(silent)}."
        return contradiction | {"status": "contested", "resolution": why}
    borne_out = _borne_out(stances, [claim for found in replies.values() for claim in found])
    days = {
        text: max((c.day for c in found if c.day), default=None)
        for text, found in borne_out.items()
    }
    newest = sorted(day for day in days.values() if day)[::-1]
    outdated = len(newest) > 1 and (newest[0] - newest[1]).days > _CURRENT_DAYS
    if len(borne_out) == 1:
        (stance,) = borne_out
        why = "asked again, the sources say nothing else"
    elif outdated and None not in days.values():
        stance = next(text for text, day in days.items() if day == newest[0])
        why = f"its source is of {in_words(newest[0])}, the other of {in_words(newest[1])}"
    else:
        why = "Asked again, the sources still say both, and neither is outdated."
        why = why if borne_out else "Asking again did not settle it."
        return contradiction | {"status": "contested", "resolution": why}
    ids = case.shown(each for claim in borne_out[stance] for each in claim.ids)
    said = cite(f"“{stance.rstrip('.')}” holds: {why}", ids)
    return contradiction | {"status": "resolved", "resolution": said}


def _borne_out(stances: Sequence[Entry], claims: Sequence[Claim]) -> dict[str, list[Claim]]:
    """Return, for each side by its first stance, the replies with its own figures or its sense."""
    said = [Claim("", str(stance.get("stance"))) for stance in stances]
    common = frozenset[str].intersection(*(claim.numbers for claim in said))
    sides = {(claim.numbers - common, claim.negated): claim for claim in reversed(said)}
    found: dict[str, list[Claim]] = {}
    for (own, negated), stance in sides.items():
        for claim in claims:
            alike = claim.negated == negated and overlap(claim.terms, stance.terms) > 0.3
            if own <= claim.numbers if own else alike:
                found.setdefault(stance.text, []).append(claim)
    return found
