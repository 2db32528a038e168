"""The writer: one extractive, cited answer in Markdown, streamed word by word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_fusion.models.offline.chat import OfflineChatModel, Tools
from langgraph_fusion.models.offline.judge import analyse, quoted
from langgraph_fusion.models.offline.ranking import RELEVANT, Candidate, Ranked, rank
from langgraph_fusion.models.offline.reading import Case, Claim, Entry, entries, read_case, strings
from langgraph_fusion.models.offline.text import (
    cite,
    cited_ids,
    overlap,
    says_the_same,
    terms,
    without_citations,
)

NOTHING = "The sources that were searched do not answer this question."
_DIRECT = 0.6
"""Share of a part of the question that the sentence which answers it covers."""
_MOST_POINTS = 6


class WriterModel(OfflineChatModel):
    """Quotes the panel: the answer first, then what is disputed, what supports it, what lacks."""

    def reply(self, messages: Sequence[BaseMessage], tools: Tools) -> AIMessage:
        return AIMessage(content=compose(read_case(messages)))


def compose(case: Case) -> str:
    """Write the answer; without an analysis the writer compares the answers itself."""
    analysis = case.analysis or analyse(case)
    disputes = {_disagreement(each): each for each in entries(analysis, "contradictions")}
    is_open = [text for text, each in disputes.items() if each.get("status") != "resolved"]
    candidates = [*_points(case, analysis), *(Candidate(text, ()) for text in is_open)]
    ranked = rank(case.question, candidates)
    lead = _lead(ranked)
    shown = [_cited(each) for each in lead]
    asked_for = {claim.text for claim in _filling(case)}
    rest = [r for r in ranked if r.score >= RELEVANT or r.text in asked_for]
    rest = [r for r in rest if r.text not in disputes]
    supporting = [_cited(each) for each in _unlike(rest, lead)][:_MOST_POINTS]
    gaps = [str(each.get("gap")) for each in entries(analysis, "blind_spots")]
    named = ", ".join(f"“{about}”" for gap in gaps if (about := quoted(gap)))
    lacking = f"The sources say nothing about {named}." if named else " ".join(gaps)
    parts = [
        " ".join(shown) or (NOTHING if not supporting and not disputes else ""),
        _listed("Where the sources disagree", [_both_sides(e, case) for e in disputes.values()]),
        _listed("Supporting points", supporting),
        f"### What could not be found\n\n{lacking}" if lacking else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _points(case: Case, analysis: Entry) -> Iterator[Candidate]:
    """Yield what was settled, what several say, what one says; without the other disputed sides."""
    left_out: list[frozenset[str]] = []
    for each in entries(analysis, "contradictions"):
        resolution = str(each.get("resolution"))
        for stance in entries(each, "stances"):
            text = str(stance.get("stance"))
            left_out.append(terms(text))
            if each.get("status") == "resolved" and text.rstrip(".") in resolution:
                ids = [*strings(stance, "sources"), *cited_ids(resolution)]
                yield Candidate(text, tuple(case.shown(ids)), seats=2)
    shared = entries(analysis, "consensus")
    alone = entries(analysis, "unique_insights")
    found = [
        *((str(e.get("claim")), strings(e, "sources"), 2) for e in shared),
        *((str(e.get("insight")), strings(e, "sources"), 1) for e in alone),
        *((claim.text, list(claim.ids), 1) for claim in [*case.claims, *_filling(case)]),
    ]
    for text, ids, seats in found:
        known = tuple(case.shown(ids))
        if known and not any(overlap(terms(text), other) > 0.8 for other in left_out):
            yield Candidate(text, known, seats=seats)


def _filling(case: Case) -> list[Claim]:
    """Return what the follow-ups about gaps brought."""
    abouts = {each.about for each in case.follow_ups if not each.about.startswith("K")}
    found = [claims for about in sorted(abouts) for claims in case.replies(about).values()]
    return [claim for claims in found for claim in claims]


def _lead(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Return the best sentence for each part of the question that has one."""
    first = {each.part: each for each in reversed(ranked) if each.score >= _DIRECT}
    best = [first[part] for part in sorted(first)]
    return _unlike(best, []) or list(ranked[:1] if ranked and ranked[0].score >= RELEVANT else [])


def _unlike(found: Sequence[Ranked], said: Sequence[Ranked]) -> list[Ranked]:
    kept: list[Ranked] = []
    for each in found:
        if not any(says_the_same(each.text, other.text) for other in [*said, *kept]):
            kept.append(each)
    return kept


def _cited(each: Ranked) -> str:
    return cite(each.text, each.candidate.ids)


def _disagreement(contradiction: Entry) -> str:
    return f"The sources do not agree on “{contradiction.get('topic')}”; both sides are below."


def _both_sides(contradiction: Entry, case: Case) -> str:
    sides: dict[str, list[str]] = {}
    for stance in entries(contradiction, "stances"):
        sides.setdefault(str(stance.get("stance")), []).extend(strings(stance, "sources"))
    said = " against ".join(
        cite(f"“{text.rstrip('.')}”", case.shown(ids)).rstrip(".") for text, ids in sides.items()
    )
    end = str(contradiction.get("resolution") or "")
    end = cite(without_citations(end), case.shown(cited_ids(end))) if end else ""
    how = "Settled:" if contradiction.get("status") == "resolved" else "This stays open."
    return f"**{contradiction.get('topic')}**: {said}. {how} {end}".rstrip()


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"### {title}", "", *(f"- {line}" for line in lines)]) if lines else ""
