"""What of a long text to show: its beginning, and the paragraphs closest to what is asked."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from langgraph_fusion.tools.closeness import closest_first
from langgraph_fusion.tools.tidy import ITEM

_HEAD_CHARS = 1500
"""Of the beginning, which says what the text is, or is the very passage that was asked for."""
_PARAGRAPH_CHARS = 600
"""A longer paragraph is taken or left in parts."""
_GAP_CHARS = 200
"""A shorter gap is shown: the note in its place would save little."""


def excerpt(
    lines: Sequence[str], wanted: str, room: int, free: Collection[int] = frozenset()
) -> set[int]:
    """Places of the lines to show, in at most `room` characters and what short gaps add to them.

    Whole paragraphs are taken, the ones closest to what is wanted first, then from the top. Lines
    that are `free` take no room.
    """
    long = any(len(line) > room // 2 for line in lines)
    if long or sum(len(line) + 1 for at, line in enumerate(lines) if at not in free) <= room + 1:
        return set(range(len(lines)))
    paragraphs = list(_paragraphs(lines))
    texts = ["\n".join(lines[at] for at in one) for one in paragraphs]
    sizes = [sum(len(lines[at]) + 1 for at in one if at not in free) for one in paragraphs]
    close = closest_first(texts, wanted)
    kept = {at for one, size in zip(paragraphs, sizes, strict=True) if not size for at in one}
    for number in dict.fromkeys([*_head(sizes), *close, *range(len(paragraphs))]):
        if sizes[number] <= room:
            room -= sizes[number]
            kept.update(paragraphs[number])
    return kept | _short_gaps(lines, kept)


def _paragraphs(lines: Sequence[str]) -> Iterator[list[int]]:
    """Places of the lines of each paragraph or item of a list, without blank ones."""
    paragraph, size = list[int](), 0
    for at, line in enumerate(lines):
        if paragraph and (not line.strip() or ITEM.match(line) or size > _PARAGRAPH_CHARS):
            yield paragraph
            paragraph, size = [], 0
        if line.strip():
            paragraph.append(at)
            size += len(line) + 1
    if paragraph:
        yield paragraph


def _head(sizes: Sequence[int]) -> Iterator[int]:
    taken = 0
    for number, size in enumerate(sizes):
        taken += size
        if taken > _HEAD_CHARS and number:
            return
        yield number


def _short_gaps(lines: Sequence[str], kept: set[int]) -> set[int]:
    """Places of what is left out and is not worth a note."""
    filled = set[int]()
    for left, group in groupby(range(len(lines)), lambda at: at not in kept):
        gap = list(group)
        if left and sum(len(lines[at].strip()) for at in gap) < _GAP_CHARS:
            filled.update(gap)
    return filled
