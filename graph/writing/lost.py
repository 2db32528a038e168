"""What a draft has lost of the panel's work, found without a model: by words, digits and ids.

Looked for is what the analysis lists as not to be lost, and what two or more answers hold: cited
sources, figures, names. What the analysis calls suspect, or has settled otherwise, is not missed.
Words are not meaning: something that was said in other words may be listed as lost.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.citations import CITATIONS, cited_ids
from langgraph_fusion.graph.writing.coverage import figures, word_stems
from langgraph_fusion.graph.writing.names import holds_name, names
from langgraph_fusion.tools.sources import Sources

Kind = Literal["insight", "source", "figure", "name"]
HELD = 0.5
"""Share of an insight's specifics, and of its words, that a text must have to hold it."""
_HEADING = re.compile(r"^[^\S\n]*+#.*$", re.MULTILINE)
_SENTENCE = re.compile(r"[^\n]+?(?:[.!?](?=\s)|(?=\n)|\Z)")
_LONGEST = 300
"""Characters shown of a sentence in which something stands."""


@dataclass(frozen=True)
class Item:
    """One thing that the answers or the analysis hold."""

    kind: Kind
    what: str
    """The insight, the id of a source, the figure or the name."""
    shown: str = ""
    """Where it stands in an answer."""

    def as_line(self) -> str:
        """As the writer is told."""
        if self.kind == "insight":
            return f"- {self.what}"
        named = f"[{self.what}]" if self.kind == "source" else self.what
        return f"- {self.kind} {named}: {self.shown}"


class Coverage:
    """What a text about a question ought to hold, and which part of it a text has lost."""

    def __init__(
        self,
        answers: Sequence[str],
        analysis: Analysis | None,
        sources: Sources,
        question: str = "",
    ) -> None:
        """`answers` are the first answers of the panel, with their ids."""
        self.sources = sources
        found = analysis or Analysis()
        doubted = "\n".join(_doubted(found))
        unwanted = figures(doubted) | names(doubted) | figures(question) | names(question)
        wanted = [Item("insight", one.insight) for one in found.unique_insights]
        wanted += _shared("source", answers, self._cited)
        wanted += [one for one in _shared("figure", answers, _figures) if one.what not in unwanted]
        wanted += [one for one in _shared("name", answers, names) if one.what not in unwanted]
        self.items = tuple(wanted)

    def lost(self, text: str) -> tuple[Item, ...]:
        """The items that a text does not hold, what the analysis lists first."""
        held = _Held.of(text, self._cited(text))
        return tuple(one for one in self.items if not held.holds(one))

    def _cited(self, text: str) -> set[str]:
        """Ids of what a text cites, of each source the first one."""
        found = (self.sources.resolve(id) for id in cited_ids(text))
        return {one.id for one in found if one is not None}


@dataclass(frozen=True)
class _Held:
    """A text, read once."""

    text: str
    numbers: set[str]
    stems: set[str]
    cited: set[str]

    @classmethod
    def of(cls, text: str, cited: set[str]) -> "_Held":
        numbers = {_number(one) for one in figures(text)}
        return cls(text.lower(), numbers, set(word_stems(text)), cited)

    def holds(self, item: Item) -> bool:
        if item.kind == "source":
            return item.what in self.cited
        if item.kind == "figure":
            return _number(item.what) in self.numbers
        if item.kind == "name":
            return holds_name(self.text, item.what)
        return self._holds_insight(item.what)

    def _holds_insight(self, insight: str) -> bool:
        specifics = [_number(one) in self.numbers for one in figures(insight)]
        specifics += [holds_name(self.text, one) for one in names(insight)]
        words = [one in self.stems for one in set(word_stems(insight))]
        return _most(specifics) and _most(words)


def as_lines(items: Iterable[Item]) -> str:
    """The items as the writer is told them, one a line."""
    return "\n".join(one.as_line() for one in items)


def counted(items: Iterable[Item]) -> Mapping[Kind, int]:
    """How many there are of each kind."""
    return Counter(one.kind for one in items)


def _doubted(analysis: Analysis) -> Iterator[str]:
    """What the text may have left out for good reason."""
    yield from (one.claim for one in analysis.suspect_claims if one.status != "supported")
    for one in analysis.contradictions:
        if one.status == "resolved":
            yield from (stance.stance for stance in one.stances)
    yield from (one.what for one in analysis.self_contradictions)


def _shared(kind: Kind, answers: Sequence[str], read: Callable[[str], set[str]]) -> Iterator[Item]:
    """What two or more answers hold, with the sentence of the first that does."""
    found = [read(answer) for answer in answers]
    counts = Counter(one for each in found for one in each)
    for what in sorted(one for one, times in counts.items() if times > 1):
        holder = next(text for text, each in zip(answers, found, strict=True) if what in each)
        yield Item(kind, what, _sentence_with(holder, what, read))


def _sentence_with(answer: str, what: str, read: Callable[[str], set[str]]) -> str:
    sentences = (found.group().strip() for found in _SENTENCE.finditer(answer))
    for sentence in sentences:
        if what in read(sentence):
            plain = re.sub(r"\s+(?=[.,;:])", "", " ".join(CITATIONS.sub("", sentence).split()))
            return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"
    return ""


def _figures(text: str) -> set[str]:
    """The figures of a text without those of its headings, which number sections."""
    return figures(_HEADING.sub("", text))


def _number(figure: str) -> str:
    """A figure without its sign: `$5` and `5 dollars` are one."""
    return figure.strip("$€£¥%")


def _most(held: Sequence[bool]) -> bool:
    return not held or sum(held) >= HELD * len(held)
