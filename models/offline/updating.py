"""The analysis after a follow-up round: what was settled, what stays contested, nothing new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from langgraph_fusion.models.offline.analysing import claim_relevance, findings
from langgraph_fusion.models.offline.asking import quoted
from langgraph_fusion.models.offline.blocks import FollowUp
from langgraph_fusion.models.offline.case import Case
from langgraph_fusion.models.offline.citations import cite
from langgraph_fusion.models.offline.claims import Claim, read_reply
from langgraph_fusion.models.offline.entries import Entry, entries, strings
from langgraph_fusion.models.offline.words import overlap, terms


def update(case: Case) -> Entry:
    """Return the earlier analysis with the follow-up answers taken into account; ids are kept.

    What was asked once is not asked again: the same tools would find the same.
    """
    earlier = case.analysis
    contradictions = [_settled(each, case) for each in entries(earlier, "contradictions")]
    doubts = [each for each in entries(earlier, "suspect_claims") if not _verified(each, case)]
    disputed = {str(each.get("claim")) for each in doubts}
    disputed |= {str(stance.get("stance")) for each in contradictions for stance in _stances(each)}
    whole = _with_follow_ups(case)
    return findings(whole, claim_relevance(whole), disputed) | {
        "contradictions": contradictions,
        "partial_coverage": entries(earlier, "partial_coverage"),
        "blind_spots": [
            each for each in entries(earlier, "blind_spots") if not _filled(each, case)
        ],
        "suspect_claims": doubts,
        "follow_ups": [],
        "best_answer": earlier.get("best_answer") or min(case.answers, default=None),
    }


def _with_follow_ups(case: Case) -> Case:
    answers = dict(case.answers)
    for each in case.follow_ups:
        if each.seat in answers:
            text = " ".join(cite(claim.text, claim.ids) for claim in _cited(each, case))
            answers[each.seat] += f"\n\n{text}"
    return replace(case, answers=answers)


def _replies(entry: Entry, case: Case) -> dict[str, list[Claim]]:
    """Return what each seat replied about the entry with a source that was shown."""
    about = str(entry.get("id"))
    return {each.seat: _cited(each, case) for each in case.follow_ups if each.about == about}


def _cited(reply: FollowUp, case: Case) -> list[Claim]:
    claims = read_reply(reply.seat, reply.id, reply.text)
    return [claim for claim in claims if case.shown(claim.ids)]


def _filled(gap: Entry, case: Case) -> bool:
    wanted = terms(quoted(str(gap.get("gap"))))
    whole = "“" not in str(gap.get("gap"))
    return any(
        claim.is_statement and (whole or 3 * len(wanted & claim.terms) >= 2 * len(wanted))
        for claims in _replies(gap, case).values()
        for claim in claims
    )


def _verified(doubt: Entry, case: Case) -> bool:
    claimed = Claim("", str(doubt.get("claim")), ())
    return any(
        claimed.numbers <= claim.numbers and overlap(claimed.terms, claim.terms) > 0.3
        for claims in _replies(doubt, case).values()
        for claim in claims
    )


def _settled(contradiction: Entry, case: Case) -> Entry:
    """Resolve it if the replies agree or only one stance stands in its source; else contest it."""
    if contradiction.get("status") != "open":
        return contradiction
    stances = _stances(contradiction)
    replies = _replies(contradiction, case)
    silent = {str(stance.get("seat")) for stance in stances} - set(replies)
    if silent:
        return _contested(
            contradiction, f"No follow-up answer came from {', '.join(sorted(silent))}."
        )
    agreed = _agreed(stances, replies)
    if agreed:
        return _resolved(contradiction, "The follow-up answers agree", agreed, replies)
    backed = [stance for stance in stances if _is_backed(stance, stances, case)]
    if len({str(stance.get("stance")) for stance in backed}) == 1:
        return _resolved(contradiction, "Only this stands in the cited source", backed[0], replies)
    found = {at for claims in replies.values() for at in _supported(stances, claims)}
    both = len({str(stances[at].get("stance")) for at in found}) > 1
    why = "Asked again, the sources still say both." if both else "Asking again did not settle it."
    return _contested(contradiction, why)


def _stances(contradiction: Entry) -> list[Entry]:
    return entries(contradiction, "stances")


def _agreed(stances: Sequence[Entry], replies: Mapping[str, list[Claim]]) -> Entry | None:
    """Return the stance that every replying seat supports, if it is one and the same."""
    supported = [_supported(stances, claims) for claims in replies.values()]
    first = supported[0] if supported else []
    same = len(first) == 1 and all(each == first for each in supported)
    return stances[first[0]] if same else None


def _supported(stances: Sequence[Entry], claims: Sequence[Claim]) -> list[int]:
    said = [claim.terms for claim in claims]
    return [
        at
        for at, stance in enumerate(stances)
        if (own := _own_terms(stance, stances)) and any(own <= words for words in said)
    ]


def _is_backed(stance: Entry, stances: Sequence[Entry], case: Case) -> bool:
    said = frozenset[str]().union(
        *(terms(case.sources[each].text) for each in case.shown(strings(stance, "sources")))
    )
    return _own_terms(stance, stances) <= said


def _own_terms(stance: Entry, stances: Sequence[Entry]) -> frozenset[str]:
    """Return what sets the stance apart: its numbers, else its terms, that no other stance has."""
    own = Claim("", str(stance.get("stance")), ())
    others = frozenset[str]().union(
        *(terms(str(each.get("stance"))) for each in stances if each.get("stance") != own.text)
    )
    return own.numbers - others or own.terms - others


def _resolved(
    contradiction: Entry, why: str, stance: Entry, replies: Mapping[str, list[Claim]]
) -> Entry:
    ids = dict.fromkeys(
        each for claims in replies.values() for claim in claims for each in claim.ids
    )
    cited = "".join(f"[{each}]" for each in list(ids)[:4])
    text = f"{why}: {str(stance.get('stance')).rstrip('.')} {cited}".rstrip() + "."
    return contradiction | {"status": "resolved", "resolution": text}


def _contested(contradiction: Entry, why: str) -> Entry:
    return contradiction | {"status": "contested", "resolution": why}
