"""Where code is in a Markdown text: fenced and indented blocks, and spans in a line.

Blocks are found by markdown-it (CommonMark with tables); spans by the rule of backticks of
CommonMark 6.1, because a parser does not say where in the text they are. Everything takes time
linear in the length of the text. HTML is not read: what stands in it counts as prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


class Code(NamedTuple):
    """Code in a text, `text[start:end]`, with the marks that make it code."""

    start: int
    end: int
    kind: Literal["fence", "indented", "span"]
    info: str = ""
    """What stands behind the opening fence."""
    content: str = ""
    """The code itself, as it is meant to be read."""


_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|\Z)")
_TICKS = re.compile("`+")
_CELL = re.compile(r"(?:\\.|[^\\|])*\|?", re.S)


def code_ranges(text: str) -> list[Code]:
    """Return all code of a Markdown text in order of appearance; the ranges do not overlap."""
    if "`" not in text and "~~~" not in text and "    " not in text and "\t" not in text:
        return []
    starts = _line_starts(text)
    found = list[Code]()
    rows = set[tuple[int, int]]()
    in_table = False
    for token in _parser().parse(text):
        in_table = (in_table or token.type == "table_open") and token.type != "table_close"
        if token.map is None or (in_table and (token.map[0], token.map[1]) in rows):
            continue
        start, end = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
        if token.type in ("fence", "code_block"):
            found.append(_block(token, start, end))
        elif token.type == "inline":
            rows.add((token.map[0], token.map[1]))
            units = _cells(text, start, end) if in_table else [(start, end)]
            found.extend(span for unit in units for span in _spans(text, *unit))
    return found


def split_code(text: str) -> list[tuple[str, bool]]:
    """Cut Markdown into (part, is code); joined again it is the same text."""
    parts, at = list[tuple[str, bool]](), 0
    for code in code_ranges(text):
        parts += [(text[at : code.start], False), (text[code.start : code.end], True)]
        at = code.end
    return [part for part in (*parts, (text[at:], False)) if part[0]]


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table").disable(["html_block", "reference"])
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _line_starts(text: str) -> list[int]:
    """Where each line begins, and the end of the text."""
    ends = [line.end() for line in _LINE.finditer(text)]
    return [0, *ends, len(text)]


def _block(token: Token, start: int, end: int) -> Code:
    kind: Literal["fence", "indented"] = "fence" if token.type == "fence" else "indented"
    return Code(start, end, kind, token.info.strip(), token.content)


def _cells(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The cells of a row of a table: a bar ends a cell, also between backticks."""
    for cell in _CELL.finditer(text, start, end):
        yield cell.start(), cell.end()


def _spans(text: str, start: int, end: int) -> Iterator[Code]:
    runs = [run.span() for run in _TICKS.finditer(text, start, end)]
    later: dict[int, list[int]] = {}
    for index in range(len(runs) - 1, -1, -1):
        later.setdefault(_length(runs[index]), []).append(index)
    index = -1
    while (index := index + 1) < len(runs):
        opened = _opener(text, *runs[index])
        closers = later.get(_length(opened), [])
        while closers and closers[-1] <= index:
            closers.pop()
        if closers:
            index = closers[-1]
            code = text[opened[1] : runs[index][0]].strip()
            yield Code(opened[0], runs[index][1], "span", "", code)


def _length(run: tuple[int, int]) -> int:
    return run[1] - run[0]


def _opener(text: str, start: int, end: int) -> tuple[int, int]:
    """A run without its first backtick if a backslash escapes that; inside code none does."""
    before = start
    while before > 0 and text[before - 1] == "\\":
        before -= 1
    return (start + (start - before) % 2, end)
