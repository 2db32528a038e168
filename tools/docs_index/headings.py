"""Headings of a document: where each section begins, how deep it is and what it is called.

Line readers, because an index needs no more: a full parser of reStructuredText takes some 100 times
as long. Every pattern is linear, whatever the line.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Markup = Literal["markdown", "rst", "asciidoc", "plain", "none"]

_FRONT_LINES = 100
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_NO_PARAGRAPH = re.compile(r"[ \t]{4}|\s*(?:[-*+>|#]|\d{1,9}[.)])")
_ASCIIDOC = re.compile(r"(={1,6}|#{1,6})[ \t]+(?=\S)")
_VERBATIM = re.compile(r"(?:-{4,}|\.{4,}|\+{4,}|/{4,}|`{3,})\s*")
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,40}):(?:[ \t]|$)")
_ADORNMENT = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_LONGEST = 300
"""Characters of a title: what is longer is a paragraph."""


@dataclass(frozen=True)
class Heading:
    """The beginning of a section."""

    line: int
    """Index of its first line, a line above the title included."""
    level: int
    """1 is the highest."""
    title: str


def headings(lines: Sequence[str], markup: Markup) -> list[Heading]:
    """Return the headings outside of front matter and code, in order."""
    begin = front_matter(lines) or _fields_end(lines, markup)
    if markup == "markdown":
        return list(_markdown(lines, begin))
    if markup == "rst":
        return list(_rst(lines, begin))
    if markup == "asciidoc":
        return list(_asciidoc(lines, begin))
    if markup == "plain":
        return list(_rst(lines, begin)) or list(_markdown(lines, begin))
    return []


def title_of(lines: Sequence[str], markup: Markup, found: Sequence[Heading]) -> str:
    """Return the title in the front matter or in header fields, else the first heading."""
    for line in lines[: front_matter(lines)]:
        if line.startswith("title:"):
            return line.removeprefix("title:").strip().strip("\"'")[:_LONGEST]
    if title := _field(lines[: _fields_end(lines, markup)], "title"):
        return title[:_LONGEST]
    return found[0].title if found else ""


def front_matter(lines: Sequence[str]) -> int:
    """Number of lines of the YAML block between two `---` with which many Markdown files begin."""
    if not lines or lines[0].rstrip() != "---":
        return 0
    ends = (n for n, line in enumerate(lines[1:_FRONT_LINES], 2) if line.rstrip() == "---")
    return next(ends, 0)


def _fields_end(lines: Sequence[str], markup: Markup) -> int:
    """Number of lines of header fields as in mail (`Title: …`), with which a PEP begins."""
    if markup not in ("rst", "plain") or not lines or not _FIELD.match(lines[0]):
        return 0
    fields = 0
    for number, line in enumerate(lines[:_FRONT_LINES]):
        if not line.strip():
            return number if fields > 1 else 0
        if _FIELD.match(line):
            fields += 1
        elif line[0] not in " \t":
            return 0
    return 0


def _field(lines: Sequence[str], name: str) -> str:
    for number, line in enumerate(lines):
        found = _FIELD.match(line)
        if found and found[1].lower() == name:
            parts = [line[found.end() :]]
            for following in lines[number + 1 :]:
                if following[:1] not in (" ", "\t"):
                    break
                parts.append(following)
            return " ".join(" ".join(parts).split())
    return ""


def _markdown(lines: Sequence[str], begin: int) -> Iterator[Heading]:
    fence = ""
    for number, line in enumerate(lines[begin:], begin):
        marks = _fence(line)
        if fence:
            fence = "" if _closes(line, marks, fence) else fence
        elif marks:
            fence = marks
        elif found := _ATX.match(line):
            if title := _without_closing(line[found.end() :]):
                yield Heading(number, len(found[1]), title)
        elif level := _setext(lines, number):
            yield Heading(number, level, line.strip())


def _fence(line: str) -> str:
    found = _FENCE.match(line)
    if not found or (found[1][0] == "`" and "`" in line[found.end() :]):
        return ""
    return found[1]


def _closes(line: str, marks: str, fence: str) -> bool:
    return marks.startswith(fence) and not line.strip().strip(fence[0])


def _without_closing(text: str) -> str:
    """The title of `# title ##`; a `#` within a word stays."""
    text = text.strip()
    bare = text.rstrip("#")
    return (bare.rstrip() if bare[-1:] in ("", " ", "\t") else text)[:_LONGEST]


def _setext(lines: Sequence[str], number: int) -> int:
    """1 or 2 if the next line underlines this one, else 0."""
    mark = _adornment(lines[number + 1]) if number + 1 < len(lines) else ""
    if mark not in ("=", "-") or not _is_title(lines[number]):
        return 0
    if _NO_PARAGRAPH.match(lines[number]) or (number and lines[number - 1].strip()):
        return 0
    return 1 if mark == "=" else 2


def _rst(lines: Sequence[str], begin: int) -> Iterator[Heading]:
    """Titles with a line below, and perhaps above; the style seen first is the highest."""
    styles: list[str] = []
    number = begin
    while number + 1 < len(lines):
        size, style = _rst_title(lines, number)
        if size:
            if style not in styles:
                styles.append(style)
            title = lines[number + size - 2].strip()
            yield Heading(number, styles.index(style) + 1, title)
        number += size or 1


def _rst_title(lines: Sequence[str], number: int) -> tuple[int, str]:
    """Number of lines of the title that begins here, 0 if none does, and its style."""
    if number and lines[number - 1].strip() and not _adornment(lines[number - 1]):
        return 0, ""
    above = _adornment(lines[number])
    text = lines[number + 1] if above else lines[number]
    below = lines[number + 2 : number + 3] if above else lines[number + 1 : number + 2]
    mark = _adornment(below[0]) if below else ""
    if not mark or not _is_title(text) or _adornment(text) or (above and above != mark):
        return 0, ""
    long_enough = len(below[0].rstrip()) >= min(len(text.strip()), 4)
    if not long_enough or (not above and text[0] in " \t"):
        return 0, ""
    return (3, mark * 2) if above else (2, mark)


def _asciidoc(lines: Sequence[str], begin: int) -> Iterator[Heading]:
    block = ""
    for number, line in enumerate(lines[begin:], begin):
        verbatim = line.rstrip() if _VERBATIM.fullmatch(line) else ""
        if block:
            block = "" if verbatim == block else block
        elif found := _ASCIIDOC.match(line):
            title = line[found.end() :].strip()
            title = title.removesuffix(f" {found[1]}").rstrip()
            yield Heading(number, len(found[1]), title[:_LONGEST])
        elif level := _two_lines(lines, number):
            yield Heading(number, level, line.strip())
        elif verbatim and not (number > begin and _two_lines(lines, number - 1)):
            block = verbatim


def _two_lines(lines: Sequence[str], number: int) -> int:
    """Level of a title with a line of its own length below, 0 if this is none."""
    line, below = lines[number].rstrip(), lines[number + 1] if number + 1 < len(lines) else ""
    mark = _adornment(below)
    if not mark or mark not in "=-~^+" or not _is_title(line) or line[0] in " \t.[":
        return 0
    blank_before = number == 0 or not lines[number - 1].strip()
    return (
        "=-~^+".index(mark) + 1 if blank_before and abs(len(line) - len(below.rstrip())) < 3 else 0
    )


def _adornment(line: str) -> str:
    """The character of a line that is nothing but one punctuation mark, repeated."""
    line = line.rstrip()
    same = len(line) > 1 and line[0] in _ADORNMENT and line == line[0] * len(line)
    return line[0] if same else ""


def _is_title(line: str) -> bool:
    return 0 < len(line.strip()) <= _LONGEST and any(map(str.isalnum, line))
