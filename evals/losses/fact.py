"""The fact a criterion asks for, as a member wrote it, and whether another text still says it.

Found by words and figures, not by meaning: the terms that the criterion shares with the sentences
of the member's answer that fit it best, without those of the question. A fact that was put in other
words counts as lost; form (a table, a length, a tone) shares no terms and is not found.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from langgraph_fusion.models.offline.text import split_sentences, terms

Presence = Literal["kept", "changed", "absent"]
WINDOW = 3
"""Sentences that are read together: a fact may be spread over them."""
KEPT, CHANGED = 0.75, 0.45
"""Shares of a fact's weight from which a text says it, or a part of it."""
LOCATED = 0.3
"""Share of a criterion's weight that a member's sentences need to count as its fact."""
_FIGURE_WEIGHT = 3.0
_LEAST_TERMS = 2


@dataclass(frozen=True)
class Fact:
    """What a member said that met a criterion."""

    sentences: tuple[str, ...]
    """The member's own."""
    terms: frozenset[str]

    @property
    def passage(self) -> str:
        return " ".join(self.sentences)

    @property
    def weight(self) -> float:
        return _weight(self.terms)


class Text:
    """A text that facts are looked for in; it is read once."""

    def __init__(self, text: str) -> None:
        self.sentences = _sentences(text)
        self._places: dict[str, list[int]] = defaultdict(list)
        for number, sentence in enumerate(self.sentences):
            for term in terms(sentence):
                self._places[term].append(number)

    def locate(self, criterion: str, question: str) -> Fact | None:
        """The sentences that fit a criterion best; None where none fits well enough."""
        sought = terms(criterion) - terms(question)
        start, found = self._best(sought)
        if len(found) < max(1, min(_LEAST_TERMS, len(sought))) or _weight(
            found
        ) < LOCATED * _weight(sought):
            return None
        window = self.sentences[start : start + WINDOW]
        return Fact(tuple(one for one in window if terms(one) & found), found)

    def presence(self, fact: Fact) -> Presence:
        """Whether the text says the fact, a part of it, or nothing of it."""
        _, found = self._best(fact.terms)
        share = _weight(found) / fact.weight
        figures = {term for term in fact.terms if _is_figure(term)}
        if share >= KEPT and (not figures or figures & found):
            return "kept"
        return "changed" if share >= CHANGED else "absent"

    def _best(self, sought: Iterable[str]) -> tuple[int, frozenset[str]]:
        """The first sentence of the window with most of the terms, and the terms in it."""
        windows: dict[int, set[str]] = defaultdict(set)
        for term in sought:
            for place in self._places.get(term, ()):
                for start in range(max(0, place - WINDOW + 1), place + 1):
                    windows[start].add(term)
        if not windows:
            return 0, frozenset()
        start = max(windows, key=lambda one: (_weight(windows[one]), one))
        return start, frozenset(windows[start])


@lru_cache(maxsize=256)
def read_text(text: str) -> Text:
    """The same text is read once: prompts and answers are looked at for many criteria."""
    return Text(text)


def presence(fact: Fact, text: str | None) -> Presence | None:
    """Whether a text says a fact; None where the text is not known.

    A text that holds the member's sentences as they are, as a request does, is not read at all.
    """
    if text is None:
        return None
    if all(sentence in text for sentence in fact.sentences):
        return "kept"
    return read_text(text).presence(fact)


def locate(criterion: str, question: str, answers: Mapping[str, str]) -> tuple[str, Fact] | None:
    """The fact as it stands in the answer that states it most fully, and whose answer that is."""
    found = {
        name: fact
        for name, answer in answers.items()
        if (fact := read_text(answer).locate(criterion, question))
    }
    if not found:
        return None
    name = max(found, key=lambda one: found[one].weight)
    return name, found[name]


def _sentences(text: str) -> Sequence[str]:
    lines = (line.strip() for line in text.splitlines())
    return [one for line in lines if line for one in split_sentences(line)]


def _weight(found: Iterable[str]) -> float:
    return sum(_FIGURE_WEIGHT if _is_figure(term) else 1.0 for term in found)


def _is_figure(term: str) -> bool:
    return term[:1].isdigit()
