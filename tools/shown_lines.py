"""Which lines of documents a member has before it, so that none is sent twice."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from langgraph_fusion.tools.sources import Sources

_WORTH_CHARS = 200
"""A repeated stretch that is shorter stays: the note in its place would save little."""


class ShownLines:
    """The lines that stand in a member's conversation, and under which id.

    A line may have been shown in part only, so it counts as shown where its source holds it whole.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[str, int], str] = {}

    def note(self, path: str, first: int, last: int, id: str) -> None:
        """Record that these lines of a document were shown, or parts of them."""
        for line in range(first, last + 1):
            self._ids.setdefault((path, line), id)

    def where(self, sources: Sources, path: str, first: int, text: str) -> str | None:
        """The id under which a passage that begins in this line was shown whole."""
        id = self._ids.get((path, first))
        return id if id is not None and _holds(sources, id, text) else None

    def without_repeats(
        self, sources: Sources, path: str, first: int, lines: Sequence[str], *, but: Collection[str]
    ) -> str:
        """The lines, with a note in place of each stretch that was shown, `but` under these ids."""
        return "\n".join(self._stretches(sources, path, first, lines, but))

    def _stretches(
        self, sources: Sources, path: str, first: int, lines: Sequence[str], but: Collection[str]
    ) -> Iterator[str]:
        numbered = enumerate(lines, first)
        for id, group in groupby(numbered, lambda one: self._ids.get((path, one[0]))):
            stretch = list(group)
            text = "\n".join(line for _, line in stretch)
            shown = id is not None and id not in but and _holds(sources, id, text.strip("\n"))
            if shown and len(text) >= _WORTH_CHARS:
                yield f"[you have lines {stretch[0][0]}-{stretch[-1][0]} as {id}]"
            else:
                yield text


def _holds(sources: Sources, id: str, text: str) -> bool:
    source = sources.get(id)
    return source is not None and text in source.text
