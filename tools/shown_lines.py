"""Which lines of documents a member has before it, so that none is sent twice."""

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from pydantic import BaseModel, ConfigDict

from langgraph_fusion.tools.sources import Sources

STEP = " > "
"""Between the parts of a title."""
_WORTH_CHARS = 80
"""A repeated stretch that is shorter stays: the note in its place would save little."""
_REPEATED_CHARS = 100
"""The same of a stretch that stands in another document, whose beginning the note says."""
_NOWHERE = "\n"
"""Is no line of a source."""
_SOURCE = re.compile(r'<source id="(\w+)"[^>\n]*>\n(.*?)\n</source>', re.S)


class Showing(BaseModel):
    """That a tool call showed these lines of a document, whole or in part, under this id."""

    model_config = ConfigDict(frozen=True)

    id: str
    path: str
    first: int
    last: int
    title: str = ""
    """What it was called there: of the document, then of its sections."""


class ShownLines:
    """The lines that stand in a member's conversation, and under which id.

    A line may have been shown in part only, so it counts as shown where its source holds it whole.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[str, int], str] = {}
        self._by_call: dict[str, list[Showing]] = {}
        self._titles = set[tuple[str, str]]()
        self._texts: dict[str, dict[str, None]] = {}

    def note(self, call: str, path: str, lines: Iterable[int], id: str, title: str = "") -> None:
        """Record that this call shows these lines of a document, or parts of them."""
        for _, group in groupby(enumerate(sorted(lines)), lambda one: one[1] - one[0]):
            stretch = [line for _, line in group]
            showing = Showing(id=id, path=path, first=stretch[0], last=stretch[-1], title=title)
            self._by_call.setdefault(call, []).append(showing)
            self._know(showing)

    def by_call(self, call: str) -> tuple[Showing, ...]:
        """What a call showed."""
        return tuple(self._by_call.get(call, ()))

    def restore(self, showings: Iterable[Showing], result: str = "") -> None:
        """Know what a call of an earlier process showed, whose result stands here again."""
        for showing in showings:
            self._know(showing)
        self.read(result)

    def read(self, message: str) -> None:
        """Know the lines of the sources in a message of this conversation."""
        for id, body in _SOURCE.findall(message):
            for line in body.split("\n"):
                self._texts.setdefault(_words(line), {})[id] = None

    def repeats(self, lines: Sequence[str], own: str) -> dict[int, str]:
        """Places of lines that stand word for word in another source, of any document, with its id.

        Stretches of fewer than `_REPEATED_CHARS` are left out, and what stands in the `own` source.
        """
        found = dict[int, str]()
        words = [_words(line) for line in lines]
        run, ids = list[int](), list[str]()
        for at, text in enumerate([*words, _NOWHERE]):
            if run and not text:
                run.append(at)
                continue
            here = [id for id in self._texts.get(text, ()) if text and id != own]
            both = [id for id in ids if id in here] if run else here
            if run and not both:
                if sum(len(words[each]) for each in run) >= _REPEATED_CHARS:
                    found |= dict.fromkeys(_without_blanks(run, words), ids[0])
                run, both = [], here
            run += [at] if both else []
            ids = both
        return found

    def forget(self) -> None:
        """Know of nothing: what was shown may no longer stand there."""
        self._ids.clear()
        self._by_call.clear()
        self._titles.clear()
        self._texts.clear()

    def has_title(self, path: str, part: str) -> bool:
        """Whether a document, or a section of it, was called so in this conversation."""
        return (path, part) in self._titles

    def had(
        self,
        sources: Sources,
        path: str,
        first: int,
        lines: Sequence[str],
        *,
        but: Collection[str] = (),
        least: int = _WORTH_CHARS,
    ) -> dict[int, str]:
        """Places of these lines that need not be shown again, with the id they stand under.

        Of a stretch with fewer than `least` characters, and of what stands `but` under these ids,
        nothing is left out.
        """
        found: dict[int, str] = {}
        numbered = enumerate(lines)
        for id, group in groupby(numbered, lambda one: self._ids.get((path, first + one[0]))):
            stretch = list(group)
            text = "\n".join(line for _, line in stretch)
            if id is None or id in but or len(text) < least:
                continue
            if _holds(sources, id, text.strip("\n")):
                found |= dict.fromkeys((at for at, _ in stretch), id)
        return found

    def _know(self, showing: Showing) -> None:
        for line in range(showing.first, showing.last + 1):
            self._ids.setdefault((showing.path, line), showing.id)
        self._titles.update((showing.path, part) for part in showing.title.split(STEP) if part)


def _holds(sources: Sources, id: str, text: str) -> bool:
    source = sources.get(id)
    return source is not None and text in source.text


def _words(line: str) -> str:
    return " ".join(line.split())


def _without_blanks(run: Sequence[int], words: Sequence[str]) -> list[int]:
    """A stretch up to its last line that is not blank."""
    last = max(at for at in run if words[at])
    return [at for at in run if at <= last]
