"""Follow-up questions for what is open and matters: narrow, neutral, answerable with tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from langgraph_fusion.models.offline.case import Case
from langgraph_fusion.models.offline.questions import main_query
from langgraph_fusion.models.offline.words import terms

MOST_FOLLOW_UPS = 4
_SEATS_PER_GAP = 2


def follow_up_questions(analysis: Mapping[str, Any], case: Case) -> list[dict[str, Any]]:
    """Return at most four, contradictions first; none tells what another seat said."""
    asked = [
        *_about_contradictions(analysis),
        *_about_gaps(analysis, case),
        *_about_suspects(analysis),
    ]
    known = [each for each in asked if set(each["seats"]) <= set(case.answers)]
    return [{"id": f"F{at}"} | each for at, each in enumerate(known[:MOST_FOLLOW_UPS], 1)]


def quoted(text: str) -> str:
    """Return the first text in quotation marks, or all of it."""
    _, mark, rest = text.partition("“")
    return rest.partition("”")[0] if mark else text


def _about_contradictions(analysis: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for each in analysis["contradictions"]:
        if each["status"] == "open" and each["matters"] == "high":
            yield {
                "question": f"What exactly do the documents say about “{each['topic']}”?",
                "kind": "contradiction",
                "about": each["id"],
                "seats": sorted({stance["seat"] for stance in each["stances"]}),
            }


def _about_gaps(analysis: Mapping[str, Any], case: Case) -> Iterator[dict[str, Any]]:
    for each in analysis["blind_spots"]:
        if each["matters"] == "high":
            topic = quoted(each["gap"]) if "“" in each["gap"] else main_query(case.question)
            yield {
                "question": f"What do the documents say about “{topic}”?",
                "kind": "blind_spot",
                "about": each["id"],
                "seats": _fitting_seats(topic, case),
            }


def _about_suspects(analysis: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for each in analysis["suspect_claims"]:
        if each["matters"] == "high":
            yield {
                "question": f"Which source says “{' '.join(each['claim'].split()[:24])}”?",
                "kind": "verify",
                "about": each["id"],
                "seats": [each["seat"]],
            }


def _fitting_seats(topic: str, case: Case) -> list[str]:
    """Return the seats whose evidence has most of the topic's terms, then most sources."""
    wanted = terms(topic)

    def fit(seat: str) -> tuple[int, int]:
        shown = case.evidence.get(seat, [])
        said = frozenset[str]().union(*(terms(f"{each.title} {each.text}") for each in shown))
        return len(wanted & said), len(shown)

    best = sorted(sorted(case.answers), key=fit, reverse=True)[:_SEATS_PER_GAP]
    return sorted(best)
