"""What several seats say, and what only one of them says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from langgraph_fusion.models.offline.claims import Claim, alike_pairs
from langgraph_fusion.models.offline.words import overlap

AGREE = 0.55
"""Share of common terms from which two sentences state the same."""


@dataclass(frozen=True)
class Agreement:
    """Claims that state the same; the first is the one to quote."""

    claims: Sequence[Claim]

    @property
    def seats(self) -> list[str]:
        return sorted({claim.seat for claim in self.claims})

    @property
    def ids(self) -> list[str]:
        return list(dict.fromkeys(each for claim in self.claims for each in claim.ids))


def agreements(claims: Sequence[Claim]) -> list[Agreement]:
    """Group claims of different seats that state the same, the widest agreement first."""
    groups: dict[int, list[Claim]] = {id(claim): [claim] for claim in claims}
    for left, right in alike_pairs(claims, 2):
        if groups[id(left)] is not groups[id(right)] and _agree(left, right):
            merged = groups[id(left)] + groups[id(right)]
            for claim in merged:
                groups[id(claim)] = merged
    unique = {id(group): Agreement(_quotable_first(group)) for group in groups.values()}
    wide = [each for each in unique.values() if len(each.seats) > 1]
    return sorted(wide, key=lambda each: -len(each.seats))


def alone(claims: Sequence[Claim], found: Collection[Agreement]) -> list[Claim]:
    """Return the cited claims that are in no agreement and repeat none."""
    together = [claim for agreement in found for claim in agreement.claims]
    taken = {id(claim) for claim in together}
    return [
        claim
        for claim in claims
        if claim.ids
        and id(claim) not in taken
        and not any(overlap(claim.terms, other.terms) > AGREE for other in together)
    ]


def _agree(left: Claim, right: Claim) -> bool:
    if left.negated != right.negated or (
        left.numbers and right.numbers and left.numbers != right.numbers
    ):
        return False
    if overlap(left.terms, right.terms) >= AGREE:
        return True
    shared = len(left.terms & right.terms)
    smaller, larger = sorted((len(left.terms), len(right.terms)))
    return smaller >= 5 and shared / smaller >= 0.9 and larger <= 2 * smaller


def _quotable_first(group: Sequence[Claim]) -> list[Claim]:
    return sorted(
        group, key=lambda claim: (not claim.ids, len(claim.text) > 300, -len(claim.terms))
    )
