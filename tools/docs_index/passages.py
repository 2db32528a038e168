"""Splitting a document into passages at headings, paragraphs and sentences."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langgraph_fusion.tools.docs_index.headings import Heading, Markup, headings

SIZE = 1200
"""Characters a passage aims at: some paragraphs, enough to judge and to quote."""
_LONGEST = 4 * SIZE
_FULL_WIDTH = "\u3002\uff01\uff1f"
_SENTENCE = re.compile(rf"[.!?\u2026][\"'\u201d\u2019)\]]?\s|[{_FULL_WIDTH}]")
_ENDS = (*".!?:;", *_FULL_WIDTH)


@dataclass(frozen=True)
class Passage:
    """Some consecutive lines of a document."""

    heading: str
    """The headings above it, outermost first: `Guide > Install`."""
    text: str
    first_line: int
    """From 1."""
    last_line: int


def passages(
    text: str, markup: Markup = "markdown", found: Sequence[Heading] | None = None
) -> list[Passage]:
    """Split a text into passages that together hold all its lines but blank ones.

    `found` are its headings, where they are known already.
    """
    lines = text.split("\n")
    found = headings(lines, markup) if found is None else found
    return [
        passage
        for heading, first, section in sections(lines, found)
        for passage in _pieces(heading, first, section)
    ]


def sections(lines: list[str], found: Sequence[Heading]) -> Iterator[tuple[str, int, list[str]]]:
    """Yield heading path, number of the first line, and the lines with their heading line."""
    path: list[Heading] = []
    start = 0
    for heading in found:
        if heading.line > start:
            yield _joined(path), start + 1, lines[start : heading.line]
        path = [*(step for step in path if step.level < heading.level), heading]
        start = heading.line
    yield _joined(path), start + 1, lines[start:]


def cut(text: str, size: int) -> Iterator[str]:
    """Cut a text into parts of at most `size` characters, at sentences or words if there are any.

    Joined again they are the same text.
    """
    start = 0
    while len(text) - start > size:
        end = _end(text, start, start + size)
        yield text[start:end]
        start = end
    yield text[start:]


def _end(text: str, start: int, end: int) -> int:
    middle = start + (end - start) // 2
    ends = [found.end() for found in _SENTENCE.finditer(text, middle, end)]
    if ends:
        return ends[-1]
    at = max(text.rfind(mark, middle, end) for mark in (" ", "\n", "\t"))
    return at + 1 if at >= 0 else end


def _pieces(heading: str, first: int, lines: list[str]) -> Iterator[Passage]:
    """Cut a section into passages of about SIZE, at blank lines or where a sentence ends."""
    start = size = 0
    best = 0
    for number, line in enumerate(lines):
        if number > start and size + len(line) > SIZE:
            at = best if best > start else number
            yield from _passage(heading, first + start, lines[start:at])
            start, size = at, sum(len(kept) + 1 for kept in lines[at:number])
        elif not line.strip() and size >= SIZE // 2:
            yield from _passage(heading, first + start, lines[start:number])
            start, size = number, 0
        size += len(line) + 1
        if size >= SIZE // 2 and line.rstrip().endswith(_ENDS):
            best = number + 1
    yield from _passage(heading, first + start, lines[start:])


def _passage(heading: str, first: int, lines: list[str]) -> Iterator[Passage]:
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        return
    start, end = filled[0], filled[-1]
    text = "\n".join(lines[start : end + 1])
    for part in cut(text, _LONGEST):  # one line may be a whole book
        if part.strip():
            yield Passage(heading, part, first + start, first + end)


def _joined(path: list[Heading]) -> str:
    return " > ".join(step.title for step in path)[:300]
