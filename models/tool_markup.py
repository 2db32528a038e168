"""Tool calls and thinking that a model wrote into its text, because no server read them out of it.

A text is scanned once, from left to right, so that what begins first wins: code is kept with the
marks inside it, and marked text goes with the code inside it. The marks are in
`models.markup.tool_formats`. What cannot be read is no call.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from heapq import merge

from langgraph_fusion.models.markdown import Code, code_ranges
from langgraph_fusion.models.markup.tool_call_text import Call, calls_in, in_plain_text
from langgraph_fusion.models.markup.tool_formats import (
    ANY_OPENER,
    BEHEADED,
    FORMATS,
    HEADLESS,
    NEXTS,
    OPENERS,
    WRAPPERS,
    Format,
)

_MAY_HAVE_MARKS = re.compile(r"[<\[`\u25c1]|\A(?:analysis|commentary|functools)|commentary to=")
_MARK = re.compile(r"[<\[\]`\u25c1]")
"""The first character of any opening mark but those of `_WORD_MARK`."""
_WORD_MARK = re.compile(r"to=|functools")
_TAG = re.compile(r"<([\w.:-]+)")
_MAX_REMARK = 600
"""Characters that a model says before a call; a text as long as an answer is one."""
_CITATION = re.compile(r"\[[A-H]\d+\]")
_BARE = re.compile(
    r"(?:\A|(?<=\n))[ \t]*(?:```(?:json|python|tool_call)?[ \t]*\n\s*)?"
    r"(?=[{\[]|[A-Za-z_][\w./-]{0,80}(?:\(|\[(?:ARGS|CALL_ID)\])|Action:)"
)
_MAX_CODE_READ = 20
"""How often the rest of a text is looked through for code anew."""


@dataclass(frozen=True)
class _Found:
    start: int
    end: int
    format: Format
    body: str


def leaked_calls(text: str, known: Collection[str] = ()) -> list[Call]:
    """Return name and arguments of every call in the text, but for code and thinking.

    A call without any mark around it counts if it is the end of the text and names a `known` tool.
    """
    text = _without_headless_thinking(text)
    marked = [found for found in _scan(text) if found.format.kind == "call"]
    if marked:
        return [call for one in marked for call in calls_in(text[one.start : one.end], one.body)]
    return _bare_calls(text, known)[0]


def strip_tool_markup(text: str, known: Collection[str] = ()) -> str:
    """Return the text without leaked tool calls and thinking.

    Code spans and fences are kept as they are, and so is prose that merely names a tag. A text
    without markup comes back unchanged.
    """
    bare = _without_headless_thinking(text)
    found = _scan(bare)
    thought = bare != text or any(one.format.kind == "thinking" for one in found)
    bare = "".join(_between(bare, found))
    if not found and known:
        bare = bare[: _bare_calls(bare, known)[1]]
    if thought and (wrapped := WRAPPERS.match(bare)):
        bare = wrapped[2]
    return text if bare == text else re.sub(r"\n{3,}", "\n\n", bare).strip()


def is_only_a_remark(text: str) -> bool:
    """Whether a text is a call that nobody made, with no more than a remark around it."""
    if not leaked_calls(text):
        return False
    rest = strip_tool_markup(text)
    return len(rest) <= _MAX_REMARK and not _CITATION.search(rest)


def _between(text: str, found: list[_Found]) -> Iterator[str]:
    at = 0
    for one in found:
        yield text[at : one.start]
        at = one.end
    yield text[at:]


def _scan(text: str) -> list[_Found]:
    if not _MAY_HAVE_MARKS.search(text):
        return []
    scan = _Scan(text)
    return list(scan.found())


@dataclass
class _Scan:
    text: str
    _codes: list[Code] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _looked: int = 0
    _missing: set[str] = field(default_factory=set)
    """Closing marks that do not come any more."""

    def found(self) -> Iterator[_Found]:
        marks = _marks(self.text)
        opened = _next_opener(self.text, marks, 0)
        if opened:
            self._look_for_code(0)
        while opened:
            at = opened.start()
            code = self._code_at(at)
            one = self._first(at, code)
            if one is not None:
                yield one
                if "`" in self.text[one.start : one.end] or "~~~" in self.text[one.start : one.end]:
                    self._look_for_code(one.end)
            end = one.end if one else max(code.end if code else 0, opened.end())
            opened = _next_opener(self.text, marks, end)

    def _first(self, at: int, code: Code | None) -> _Found | None:
        """The first format that this mark begins."""
        for number, format in enumerate(FORMATS):
            if (code is None) == format.in_code or (code and not self._opens(code, at)):
                continue
            if found := self._begun(number, format, at):
                return found
        return None

    def _begun(self, number: int, format: Format, at: int) -> _Found | None:
        opened = OPENERS[number].match(self.text, at)
        if not opened or (format.line_start and not _starts_line(self.text, at)):
            return None
        if not NEXTS[number].match(self.text, opened.end()):
            return None
        if not format.closes:
            return _Found(at, opened.end(), format, "")
        tag = _TAG.match(opened[0])
        closes = format.closes.replace("{tag}", re.escape(tag[1]) if tag else "")
        closed = None
        if closes not in self._missing:
            closed = re.compile(closes).search(self.text, opened.end())
        if closed:
            return _Found(at, closed.end(), format, self.text[opened.end() : closed.start()])
        self._missing.add(closes)
        if not format.open_end:
            return None
        return _Found(at, len(self.text), format, self.text[opened.end() :])

    def _opens(self, code: Code, at: int) -> bool:
        return code.kind == "fence" and not self.text[code.start : at].strip()

    def _code_at(self, at: int) -> Code | None:
        place = bisect_right(self._starts, at) - 1
        code = self._codes[place] if place >= 0 else None
        return code if code and at < code.end else None

    def _look_for_code(self, begin: int) -> None:
        self._looked += 1
        found = code_ranges(self.text[begin:]) if self._looked <= _MAX_CODE_READ else []
        self._codes = [
            one._replace(start=one.start + begin, end=one.end + begin)
            for one in found
            if one.kind != "indented"
        ]
        self._starts = [one.start for one in self._codes]


def _marks(text: str) -> Iterator[int]:
    """Where an opening mark may begin: to try each of them at every character is slow."""
    words = (at for one in _WORD_MARK.finditer(text) for at in _word_starts(text, one))
    return merge((one.start() for one in _MARK.finditer(text)), words)


def _word_starts(text: str, mark: re.Match[str]) -> list[int]:
    """Where a mark of words may begin: `to=` also ends `assistantcommentary to=`."""
    starts = [mark.start()]
    for before in ("commentary ", "assistant"):
        if mark[0] != "to=" or not text.endswith(before, 0, starts[0]):
            break
        starts.insert(0, starts[0] - len(before))
    return starts


def _next_opener(text: str, marks: Iterator[int], begin: int) -> re.Match[str] | None:
    """The first opening mark from `begin` on; `marks` have come no further than there."""
    tried = (ANY_OPENER.match(text, at) for at in marks if at >= begin)
    return next((found for found in tried if found), None)


def _starts_line(text: str, at: int) -> bool:
    begin = text.rfind("\n", max(0, at - 80), at) + 1
    return (begin > 0 or at < 80) and not text[begin:at].strip()


def _without_headless_thinking(text: str) -> str:
    if beheaded := BEHEADED.match(text):
        return text[beheaded.end() :]
    ended = HEADLESS.search(text)
    if not ended or re.search(r"<[\w:]*think|\[THINK|\u25c1think|<unused94", text[: ended.start()]):
        return text
    if any(code.start <= ended.start() < code.end for code in code_ranges(text)):
        return text
    return text[ended.end() :]


def _bare_calls(text: str, known: Collection[str]) -> tuple[list[Call], int]:
    """Calls of known tools that the text ends with, and where they begin."""
    if not known or not text.rstrip().endswith(("}", "]", "```", ")", ";")):
        return [], len(text)
    for begun in list(_BARE.finditer(text))[-8:]:
        calls = in_plain_text(text[begun.start() :])
        if calls and all(name in known for name, _ in calls):
            return calls, begun.start()
    return [], len(text)
