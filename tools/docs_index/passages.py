"""Splitting a document into passages at headings and paragraphs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

SIZE = 1200
"""Characters a passage aims at: some paragraphs, enough to judge and to quote."""

_FRONT_LINES = 100
_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_MARKED = re.compile(r"(#{1,6}|={1,6})\s+(.+?)\s*[#=]*$")
_UNDERLINE = re.compile(r"([=\-~^\"'#*+])\1{2,}\s*$")


@dataclass(frozen=True)
class Passage:
    """Some consecutive lines of a document."""

    heading: str
    """The headings above it, outermost first: `Guide > Install`."""
    text: str
    first_line: int
    """From 1."""
    last_line: int


def passages(text: str) -> list[Passage]:
    """Split a text into passages that together hold all its lines but blank ones."""
    found: list[Passage] = []
    for heading, first, lines in _sections(text.split("\n")):
        found.extend(_pieces(heading, first, lines))
    return found


def _sections(lines: list[str]) -> Iterator[tuple[str, int, list[str]]]:
    """Yield heading path, number of the first line, and the lines with their heading line."""
    path: list[tuple[int, str]] = []
    start = 0
    for number, level, title in _headings(lines):
        if number > start:
            yield _joined(path), start + 1, lines[start:number]
        path = [*(step for step in path if step[0] < level), (level, title)]
        start = number
    yield _joined(path), start + 1, lines[start:]


def front_matter(lines: list[str]) -> int:
    """Number of lines of the YAML block between two `---` with which many Markdown files begin."""
    if not lines or lines[0].rstrip() != "---":
        return 0
    ends = (n for n, line in enumerate(lines[1:_FRONT_LINES], 2) if line.rstrip() == "---")
    return next(ends, 0)


def _headings(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """Yield line index, level and title of each heading outside of front matter and code blocks."""
    fenced = False
    begin = front_matter(lines)
    marks: list[str] = []  # rst has no fixed order of underlines: the first seen is the highest
    for number, line in enumerate(lines):
        if number < begin:
            continue
        if _FENCE.match(line):
            fenced = not fenced
        if fenced:
            continue
        if found := _MARKED.match(line):
            yield number, len(found[1]), found[2]
        elif mark := _underlined(lines, number):
            if mark not in marks:
                marks.append(mark)
            yield number, marks.index(mark) + 1, line.strip()


def _underlined(lines: list[str], number: int) -> str | None:
    line = lines[number].strip()
    following = lines[number + 1] if number + 1 < len(lines) else ""
    found = _UNDERLINE.fullmatch(following)
    blank_before = (
        number == 0 or not lines[number - 1].strip() or _UNDERLINE.match(lines[number - 1])
    )
    if found and blank_before and line and len(line) <= 120 and not _UNDERLINE.match(line):
        return found[1]
    return None


def _pieces(heading: str, first: int, lines: list[str]) -> Iterator[Passage]:
    """Cut a section into passages of about SIZE, preferably at blank lines."""
    start = size = 0
    for number, line in enumerate(lines):
        ends_paragraph = not line.strip() and size >= SIZE // 2
        if number > start and (ends_paragraph or size + len(line) > SIZE):
            yield from _passage(heading, first + start, lines[start:number])
            start, size = number, 0
        size += len(line) + 1
    yield from _passage(heading, first + start, lines[start:])


def _passage(heading: str, first: int, lines: list[str]) -> Iterator[Passage]:
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        return
    start, end = filled[0], filled[-1]
    text = "\n".join(lines[start : end + 1])
    for at in range(0, len(text), 4 * SIZE):  # one line may be a whole book
        yield Passage(heading, text[at : at + 4 * SIZE], first + start, first + end)


def _joined(path: list[tuple[int, str]]) -> str:
    return " > ".join(title for _, title in path)[:300]
