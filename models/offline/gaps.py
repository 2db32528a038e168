"""What a question asks about that no text mentions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from langgraph_fusion.models.offline.questions import Aspect, aspects
from langgraph_fusion.models.offline.words import terms

_LONG_QUESTION = 8


@dataclass(frozen=True)
class Gap:
    aspect: Aspect
    missing: frozenset[str]
    among: int = 1
    """How many aspects the question has."""

    @property
    def central(self) -> bool:
        """At least half of the aspect is missing; in a long question a lone word is not central."""
        lone = len(self.aspect.terms) == 1 and not self.aspect.named
        if lone and self.among > _LONG_QUESTION:
            return False
        return 2 * len(self.missing) >= len(self.aspect.terms)


def gaps(question: str, texts: Iterable[str]) -> list[Gap]:
    """Return the aspects of the question with terms that none of the texts contains."""
    said = frozenset[str]().union(*(terms(text) for text in texts))
    known = said | {_root(term) for term in said}
    found: list[Gap] = []
    asked = aspects(question)
    for aspect in asked:
        missing = frozenset(term for term in aspect.terms if not _is_known(term, known))
        if missing and any(mark.isalpha() for mark in aspect.text):
            found.append(Gap(aspect, missing, len(asked)))
    return found


def _is_known(term: str, known: frozenset[str] | set[str]) -> bool:
    return term in known or _root(term) in known


def _root(term: str) -> str:
    """Cut to six letters: `synthesizer` and `synthesis` count as one."""
    return term[:6] if len(term) > 6 and term.isalpha() else term
