"""Code and prose of a Markdown text that is still being written: what no further text can change.

Blocks of Markdown depend on what stands before them only, but for a row above the line that makes
it a table; spans of code on what follows in their paragraph. So prose is decided up to the first
backtick that may still open code, and code once it is closed. Of a fence at the margin every line
is code.

The text is read anew only when a piece may change what is code, and from the last block, list item
or row of a table on: a list or table of any length costs the same for each of its lines.
"""

import re
from collections.abc import Callable

from langgraph_fusion.models.markdown import Code, code_ranges

_MARKS = re.compile(r"[\s>*+\d.)~`#|-]*\Z")
"""What a line may begin with before it is clear what it is."""
_BLANK = re.compile(r"\n[ \t]*\r?\n")
_OPENING = re.compile(r"(`{3,}|~{3,})[^\r\n]*\r?\n")
_NEW_BLOCK = re.compile(r"\n[ \t]*\r?\n(?=[^\s])")
_BULLET = re.compile(r"\n(?=[*+-] [ ]*[^\s|:-])")
"""Before it any paragraph, list or quote ends."""
_NUMBERS = re.compile(
    r"\d{1,9}([.)]) [^\n]*\n(?:(?:\d{1,9}\1 |[ ]{2,}(?=\S))[^\n]*\n)*(?=\d{1,9}\1 [ ]*[^\s|:-])"
)
"""Items of one numbered list, without an empty line, up to another one of it."""
_ROWS = re.compile(r"(\|[^\n]*\n\|[ :|-]*-[ :|-]*\n)(?:\|[^\n]*\n)+")
"""A table: its head, and rows that stand for themselves."""
_HTML = re.compile(r"^ {0,3}<", re.MULTILINE)
"""What may begin a block of HTML, which other lines do not end."""
_TELLING = re.compile(r"[`~<>|\r\n]")
"""Marks that may change what of the text before them is code."""


class LiveMarkdown:
    """Takes a text in pieces and gives it back in parts, each prose or code."""

    def __init__(self) -> None:
        self._text = ""
        """From the last place where Markdown begins anew."""
        self._done = 0
        """How much of it was given back."""
        self._fence = ""
        self._ranges: list[Code] | None = None
        """Code in the text; None if the text has to be read again."""

    @property
    def held(self) -> str:
        """What was not given back yet."""
        return self._text[self._done :]

    @property
    def size(self) -> int:
        """Characters that have to be read again with every piece."""
        return len(self._text)

    def add(self, piece: str) -> None:
        """Append a piece."""
        self._text += piece
        if _TELLING.search(piece):
            self._ranges = None

    def decided(self, until: Callable[[str], int]) -> list[tuple[str, bool]]:
        """Return and drop the parts that are decided: text, and whether it is code.

        `until` says how much of the prose at the end the caller takes; the rest is kept.
        """
        parts = list[tuple[str, bool]]()
        while True:
            if self._fence and not self._close_fence(parts):
                return parts
            ranges = self._code()
            limit = _limit(self._text, ranges)
            if not self._take(parts, ranges, limit):
                if parts and not parts[-1][1]:
                    prose, _ = parts.pop()
                    length = until(prose)
                    self._done -= len(prose) - length
                    parts.append((prose[:length], False))
                self._begin_anew()
                return parts

    def _code(self) -> list[Code]:
        """The code in the text, read only if it may have changed."""
        ranges = self._ranges
        if ranges is None:
            ranges = code_ranges(self._text)
            goes_on = bool(ranges) and ranges[-1].end >= len(self._text.rstrip())
            begins = _MARKS.match(self._text, self._text.rfind("\n") + 1)
            self._ranges = None if goes_on or begins else ranges
        return ranges

    def _drop(self, end: int, keep: str = "") -> None:
        """Forget the beginning of the text, but for what is to stand in its place."""
        self._text = keep + self._text[end:]
        self._done += len(keep) - end
        self._ranges = None

    def _close_fence(self, parts: list[tuple[str, bool]]) -> bool:
        """Give back the lines of the open fence that are complete; whether it is closed now."""
        closing = re.compile(rf" {{0,3}}{self._fence}{self._fence[0]}*[ \t]*\r?\n")
        at = self._done
        while (end := self._text.find("\n", at) + 1) > 0:
            line, at = self._text[at:end], end
            if closing.fullmatch(line):
                self._fence = ""
                break
        if at > self._done:
            parts.append((self._text[self._done : at], True))
        self._text, self._done, self._ranges = self._text[at:], 0, None
        return not self._fence

    def _take(self, parts: list[tuple[str, bool]], ranges: list[Code], limit: int) -> bool:
        """Give back what is decided; whether a fence at the margin was opened."""
        for code in ranges:
            if code.end <= self._done:
                continue
            if code.start <= limit and (opened := self._opened(code)):
                self._give(parts, code.start, False)
                self._give(parts, opened.end(), True)
                self._fence = opened[1]
                self._drop(self._done)
                return True
            if code.end > limit:
                limit = min(limit, code.start)
                break
            self._give(parts, code.start, False)
            self._give(parts, code.end, True)
        self._give(parts, limit, False)
        return False

    def _opened(self, code: Code) -> "re.Match[str] | None":
        """The opening line of a fence that begins at the margin, if it is complete."""
        at_margin = code.start == 0 or self._text[code.start - 1] == "\n"
        if code.kind != "fence" or not at_margin:
            return None
        return _OPENING.match(self._text, code.start)

    def _give(self, parts: list[tuple[str, bool]], end: int, is_code: bool) -> None:
        if end > self._done:
            parts.append((self._text[self._done : end], is_code))
            self._done = end

    def _begin_anew(self) -> None:
        """Forget what stands before the last block that was given back whole."""
        if end := _last_end(_NEW_BLOCK, self._text, self._done):
            self._drop(end)
        if end := self._items():
            self._drop(end)
            return
        rows = _ROWS.match(self._text, 0, self._done)
        if rows and rows.end() > 2 * rows.end(1):
            self._drop(rows.end(), rows[1])

    def _items(self) -> int:
        """Where the last item of a list at the margin begins, if all before it was given back."""
        end = _last_end(_BULLET, self._text, self._done)
        if not end and (numbers := _NUMBERS.match(self._text)) and numbers.end() <= self._done:
            end = numbers.end()
        return 0 if _HTML.search(self._text, 0, end) else end


def _last_end(pattern: re.Pattern[str], text: str, until: int) -> int:
    """Where the last match before `until` ends; 0 if there is none."""
    ends = [found.end() for found in pattern.finditer(text) if found.end() <= until]
    return ends[-1] if ends else 0


def _limit(text: str, ranges: list[Code]) -> int:
    """Up to where nothing that follows can change what is code and what is prose."""
    limit = len(text)
    last_line = text.rfind("\n") + 1
    if _MARKS.match(text, last_line):
        limit = last_line
    if ranges and ranges[-1].end >= len(text.rstrip()):  # it may go on, or turn out to be none
        limit = min(limit, ranges[-1].start)
    line_before = text.rfind("\n", 0, max(0, last_line - 1)) + 1
    if "|" in text[line_before:] and "`" in text[line_before:]:
        limit = min(limit, line_before)
    return min(limit, _open_tick(text, ranges))


def _open_tick(text: str, ranges: list[Code]) -> int:
    """Where the first backtick of the last paragraph stands that has found no end yet."""
    blanks = [found.end() for found in _BLANK.finditer(text)]
    at = blanks[-1] if blanks else 0
    for code in [*ranges, None]:
        end = code.start if code else len(text)
        tick = text.find("`", at, max(at, end))
        if tick >= 0:
            return tick
        at = max(at, code.end) if code else at
    return len(text)
