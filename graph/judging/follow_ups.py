"""The rules of re-querying that code enforces, whatever the judge says (design 4.4).

- A contradiction does not vanish: one that a new analysis forgets, or one of whose parties failed
  to answer, is carried forward as contested.
- A new round only concerns what was open before: fresh objections every round never converge.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from langgraph_fusion.graph.analysis import Analysis, Contradiction, FollowUp
from langgraph_fusion.graph.judging.evidence import latest
from langgraph_fusion.graph.records import AskedFollowUp
from langgraph_fusion.graph.state import FusionState

_ORDER = {"K": 0, "S": 1, "X": 2, "R": 3, "G": 4, "P": 5}
"""Contradictions first, then suspect claims, answers that contradict themselves, shared premises,
gaps, partial coverage."""


def plan_round(
    analysis: Analysis, before: Analysis | None, state: FusionState, most: int
) -> list[AskedFollowUp]:
    """Choose the questions of the next round and whom to ask; empty means: write.

    Nothing is asked unless something that matters is open; after a follow-up round, only about what
    was open before it.
    """
    open_now = analysis.open_ids()
    if before is not None:
        open_now &= before.open_ids()
    if not open_now:
        return []
    wanted = [one for one in analysis.follow_ups if one.about in open_now]
    if before is None:
        points = {one.id for one in analysis.partial_coverage}
        wanted += [one for one in analysis.follow_ups if one.about in points]
    wanted.sort(key=lambda one: _ORDER.get(one.about[:1], 9))
    taken = {one["id"] for one in state["follow_ups"]}
    return [
        AskedFollowUp(
            id=_free_id(one.id, taken),
            round=state["round"] + 1,
            question=one.question,
            kind=one.kind,
            about=one.about,
            seats=tuple(_whom(one, analysis, state)),
        )
        for one in wanted[:most]
    ]


def _free_id(id: str, taken: set[str]) -> str:
    """The judge's own id for a follow-up, unless an earlier one has it; adds it to `taken`."""
    numbers = (f"F{number}" for number in count(len(taken) + 1))
    free = id if id not in taken else next(one for one in numbers if one not in taken)
    taken.add(free)
    return free


def carried_forward(before: Analysis, after: Analysis | None, state: FusionState) -> Analysis:
    """Return the new analysis, if there is one, with the earlier contradictions kept."""
    asked = {one["about"] for one in state["asked"]}
    silent = _silent(state)
    if after is None:
        kept = [
            _contested(one, silent) if one.id in asked else one for one in before.contradictions
        ]
        return before.model_copy(update={"contradictions": kept, "follow_ups": []})
    _free_reused_ids(before, after)
    found = {one.id: one for one in after.contradictions}
    kept = [found.get(one.id) or _forgotten(one) for one in before.contradictions]
    kept = [_settled(one, asked, silent) for one in kept]
    earlier = {one.id for one in kept}
    fresh = [one for one in after.contradictions if one.id not in earlier]
    return after.model_copy(
        update={
            "contradictions": [*kept, *fresh],
            "consensus": after.consensus or before.consensus,
            "partial_coverage": _all_of(before.partial_coverage, after.partial_coverage),
            "unique_insights": _all_of(before.unique_insights, after.unique_insights),
            **_best(before, after),
        }
    )


def _best(before: Analysis, after: Analysis) -> dict[str, str | None]:
    """The best answer with its reason: the earlier one stands unless another one is named."""
    best = after.best_answer or before.best_answer
    because = after.best_because if after.best_answer else ""
    if not because and best == before.best_answer:
        because = before.best_because
    return {"best_answer": best, "best_because": because}


def _all_of(before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
    """The new findings, and the earlier ones that it left out: it was not shown the answers again.

    One with the id of an earlier finding, or its words, is taken to be that one.
    """
    ids = {one.id for one in after}
    said = {_plain(one) for one in after}
    return [*after, *(one for one in before if one.id not in ids and _plain(one) not in said)]


def _plain(finding: Any) -> str:
    text = getattr(finding, "insight", "") or getattr(finding, "point", "")
    return " ".join(re.findall(r"\w+", text.lower()))


def _settled(one: Contradiction, asked: set[str], silent: set[str]) -> Contradiction:
    """After a round on it, a contradiction is resolved or contested, never open."""
    parties = {stance.seat for stance in one.stances}
    if one.id in asked and (one.status == "open" or parties & silent):
        return _contested(one, silent)
    return one


def _forgotten(one: Contradiction) -> Contradiction:
    return one if one.status != "open" else _contested(one, set())


def _contested(one: Contradiction, silent: set[str]) -> Contradiction:
    if one.status == "contested":
        return one
    missing = sorted({stance.seat for stance in one.stances} & silent)
    note = f"{', '.join(missing)} gave no answer to the follow-up." if missing else None
    text = " ".join(part for part in (one.resolution, note) if part) or None
    return one.model_copy(update={"status": "contested", "resolution": text})


def _silent(state: FusionState) -> set[str]:
    """Seats that were asked in this round and gave no answer."""
    answered = {seat for seat, one in latest(state, state["round"]).items() if one.text}
    return {seat for one in state["asked"] for seat in one["seats"]} - answered


def _free_reused_ids(before: Analysis, after: Analysis) -> None:
    """Give a new id to a contradiction that took the id of an earlier, unrelated one."""
    earlier = {one.id: one for one in before.contradictions}
    number = len(earlier) + len(after.contradictions)
    for one in after.contradictions:
        if one.id in earlier and not _words(one) & _words(earlier[one.id]):
            number += 1
            one.id = f"K{number}"


def _words(one: Contradiction) -> set[str]:
    text = " ".join([one.topic, *(stance.stance for stance in one.stances)]).lower()
    return set(re.findall(r"\w{3,}", text))


def _whom(one: FollowUp, analysis: Analysis, state: FusionState) -> Iterable[str]:
    """A contradiction goes to its parties, a suspect claim to its author, a gap to the closest."""
    answered = [seat for seat, each in latest(state, 0).items() if each.text]
    for dispute in analysis.contradictions:
        if dispute.id == one.about:
            return _known([stance.seat for stance in dispute.stances], answered)
    named = _known(one.seats, answered)
    for claim in analysis.suspect_claims:
        if claim.id == one.about:
            named = _known([*claim.seats, *named], answered)
    return named or _best_placed(state, answered)


def _known(seats: Iterable[str], answered: list[str]) -> list[str]:
    return [seat for seat in dict.fromkeys(seats) if seat in answered]


def _best_placed(state: FusionState, answered: list[str]) -> list[str]:
    """The two members that found most sources: their tools work on this topic."""
    found = [source["seat"] for source in state["sources"].values()]
    ranked = sorted(answered, key=lambda seat: (-found.count(seat), seat))
    return ranked[:2]
