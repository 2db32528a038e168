"""The statements of the answers, with their seat, their sources and what they are compared by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from langgraph_fusion.models.offline.citations import cited_ids, without_citations
from langgraph_fusion.models.offline.markdown import read_sentences
from langgraph_fusion.models.offline.quantities import Quantity, quantities
from langgraph_fusion.models.offline.words import is_negated, term_list, terms

_ABSENCE = re.compile(
    r"\b(?:found (?:nothing|no\b)|do(?:es)? not (?:say|mention|state|answer)|"
    r"(?:could|did) not find|"
    r"no (?:information|mention|answer|data) (?:was|is|on|about|found|available)|nothing about|"
    r"not (?:mentioned|stated|found) in)\b",
    re.IGNORECASE,
)
_OWN_WORK = re.compile(r"^(?:Checked in the sandbox|Computed with `python3`)")
_FREQUENT = 120
"""A term in more claims than this joins nobody: it says nothing and would make pairs quadratic."""


@dataclass(frozen=True)
class Claim:
    seat: str
    text: str
    ids: tuple[str, ...]
    """Every source id it cites, shown or not."""
    order: int = 0
    paragraph: int = 0
    backed_later: bool = False
    """A later sentence of the same paragraph carries a citation."""

    @cached_property
    def terms(self) -> frozenset[str]:
        return terms(self.text)

    @cached_property
    def quantities(self) -> list[Quantity]:
        return quantities(self.text)

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(each for each in term_list(self.text) if each[0].isdigit())

    @cached_property
    def negated(self) -> bool:
        return is_negated(self.text)

    @property
    def is_absence(self) -> bool:
        """It only says that nothing was found."""
        return not self.ids and bool(_ABSENCE.search(self.text))

    @property
    def is_own_work(self) -> bool:
        """It reports what the member computed, which has no source to cite."""
        return not self.ids and bool(_OWN_WORK.match(self.text))

    @property
    def is_statement(self) -> bool:
        return len(self.terms) >= 3 and not self.is_absence and not self.is_own_work


def read_claims(seat: str, answer: str) -> list[Claim]:
    """Return every sentence of an answer as a claim."""
    sentences = read_sentences(answer)
    last_cited: dict[int, int] = {}
    for at, sentence in enumerate(sentences):
        if cited_ids(sentence.text):
            last_cited[sentence.paragraph] = at
    return [
        Claim(
            seat,
            without_citations(sentence.text),
            cited_ids(sentence.text),
            at,
            sentence.paragraph,
            backed_later=last_cited.get(sentence.paragraph, -1) > at,
        )
        for at, sentence in enumerate(sentences)
    ]


def read_reply(seat: str, follow_up_id: str, reply: str) -> list[Claim]:
    """Return the sentences of a follow-up answer, without the id that labels it."""
    return read_claims(seat, re.sub(rf"\A\W*{re.escape(follow_up_id)}\b\W*?:", "", reply))


def alike_pairs(claims: Sequence[Claim], shared: int) -> Iterator[tuple[Claim, Claim]]:
    """Yield each pair of claims with at least `shared` of the rarer terms in common."""
    members = _by_term(claims)
    for at, claim in enumerate(claims):
        common = Counter(
            other for term in claim.terms for other in members.get(term, ()) if other < at
        )
        for other, count in sorted(common.items()):
            if count >= shared:
                yield claims[other], claim


def _by_term(claims: Sequence[Claim]) -> Mapping[str, list[int]]:
    members: dict[str, list[int]] = {}
    for at, claim in enumerate(claims):
        for term in claim.terms:
            members.setdefault(term, []).append(at)
    return {term: found for term, found in members.items() if len(found) <= _FREQUENT}
