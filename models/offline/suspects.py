"""Claims their own sources do not bear out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from langgraph_fusion.models.offline.blocks import Source
from langgraph_fusion.models.offline.case import Case
from langgraph_fusion.models.offline.claims import Claim
from langgraph_fusion.models.offline.markdown import read_sentences
from langgraph_fusion.models.offline.words import terms

_SAME_STATEMENT = 0.75
"""Share of a claim's words in one sentence from which that sentence makes the claim."""


@dataclass(frozen=True)
class Suspect:
    claim: Claim
    why: str
    certain: bool
    """The excerpt is about the claim and has no such number, or the source was never shown."""


def suspects(case: Case) -> list[Suspect]:
    """Return the doubtful statements; uncited ones only if they carry a number."""
    cites_nothing = {
        seat for seat in case.answers if not any(c.ids for c in case.claims if c.seat == seat)
    }
    found = (_doubt(claim, case.sources, claim.seat in cites_nothing) for claim in case.statements)
    return [each for each in found if each]


def _doubt(claim: Claim, shown: Mapping[str, Source], whole_answer: bool) -> Suspect | None:
    unknown = [each for each in claim.ids if each not in shown]
    if unknown:
        return Suspect(claim, f"cites {', '.join(unknown)}, which no tool returned", certain=True)
    if not claim.ids:
        doubtful = claim.numbers and not claim.backed_later and not claim.text.endswith("?")
        why = "gives a number without a source"
        return Suspect(claim, why, certain=not whole_answer) if doubtful else None
    return _unsupported_numbers(claim, [shown[each] for each in claim.ids])


def _unsupported_numbers(claim: Claim, cited: list[Source]) -> Suspect | None:
    """Doubt a number only if the excerpt has the very statement without it: excerpts are cut."""
    said = terms("\n".join(f"{source.title}\n{source.text}" for source in cited))
    missing = sorted(claim.numbers - said)
    words = claim.terms - claim.numbers
    if not missing or len(words) < 2 or not any(_states(source.text, words) for source in cited):
        return None
    numbers, ids = ", ".join(missing), ", ".join(source.id for source in cited)
    return Suspect(claim, f"{numbers} does not stand in the excerpt of {ids}", certain=True)


def _states(excerpt: str, words: frozenset[str]) -> bool:
    sentences = (terms(sentence.text) for sentence in read_sentences(excerpt))
    return any(len(words & said) >= _SAME_STATEMENT * len(words) for said in sentences)
