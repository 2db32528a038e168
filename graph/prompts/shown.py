"""What of the sources one prompt holds already, so that no sentence stands in it twice."""

from collections.abc import Sequence

from langgraph_fusion.graph.prompts.passages import source_block
from langgraph_fusion.graph.prompts.tags import tag
from langgraph_fusion.tools.closeness import PARTED, sentences_of
from langgraph_fusion.tools.shown_lines import STEP
from langgraph_fusion.tools.sources import Source

_SHORTEST = 40
"""Characters of a sentence that is told by its words: a shorter one may be equal by chance."""


class ShownPassages:
    """The sentences that a prompt holds, each with the id under which it stands first."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._heads = set[str]()
        self._titles = set[tuple[str, str]]()

    def block(self, source: Source, passages: str) -> str:
        """The source with what of these passages is new, and where the rest stands above.

        Its title and address are left out if a source that it repeats stands there with them.
        """
        stretches = [self._fresh(source.id, one) for one in passages.split(PARTED)]
        new = PARTED.join(text for text, _ in stretches if text)
        ids = sorted({id for _, found in stretches for id in found} - {source.id})
        title, url = self._head(source)
        if not new and passages:
            where = f"(the same passages as {', '.join(ids)})" if ids else "(the passages above)"
            return tag("source", where, id=source.id, same_as=source.same_as)
        more = f"\n(and passages that stand above as {', '.join(ids)})" if ids else ""
        return source_block(source, new, title=title, url=url, whole=len(passages), more=more)

    def _head(self, source: Source) -> tuple[str, str]:
        """Title and address, as far as they do not stand there: once for what is the same, of a
        document its own title and that of each section once, and no lines.
        """
        repeats = source.same_as in self._heads or source.id in self._heads
        self._heads.add(source.id)
        if repeats:
            return "", ""
        if source.kind != "document":
            return source.title, source.url
        path = source.url.partition("#")[0]
        parts = source.title.split(STEP)
        new = [part for part in parts if (path, part) not in self._titles]
        self._titles.update((path, part) for part in parts)
        return STEP.join(new), path

    def _fresh(self, id: str, stretch: str) -> tuple[str, set[str]]:
        """Of a stretch the part from its first to its last new sentence; ids of the others."""
        sentences = sentences_of(stretch)
        keys = [_key(sentences, at) for at in range(len(sentences))]
        where = [self._ids.get(key) for key in keys]
        new = [at for at, known in enumerate(where) if known is None]
        for key in keys:
            self._ids.setdefault(key, id)
        if len(new) == len(sentences):
            return stretch, set()
        if not new:
            return "", {known for known in where if known is not None}
        spans = _spans(stretch, sentences)
        beside = (*where[: new[0]], *where[new[-1] + 1 :])
        left = {known for known in beside if known is not None}
        return stretch[spans[new[0]][0] : spans[new[-1]][1]], left


def _spans(text: str, sentences: Sequence[str]) -> list[tuple[int, int]]:
    """Where the sentences stand in their text."""
    spans, at = list[tuple[int, int]](), 0
    for one in sentences:
        at = text.index(one, at)
        spans.append((at, at + len(one)))
        at += len(one)
    return spans


def _key(sentences: Sequence[str], at: int) -> str:
    """What tells a sentence: its words, of a short one with those beside it."""
    near = sentences[at : at + 1]
    if len(near[0]) < _SHORTEST:
        near = sentences[max(0, at - 1) : at + 2]
    return " ".join(" ".join(near).split())
