"""Passages as models are shown them: without white space and rules that only set a page.

What says something stays: every word, fenced code and tables as they are, and of all else which
line stands deeper than which, by one column a level. A line that goes on with a wrapped sentence
loses its indentation, as Markdown allows it. The source itself is left as it is.
"""

import re
from collections.abc import Iterator, Sequence

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_RULE = re.compile(r"([-=_~*#^+.:])\1{3,}")
"""A line that is one rule, for example under a heading."""
_COLUMNS = re.compile(r"[^\s.!?:;,] {2,}\S|\S {3,}\S|\t|^\s*[|+].*[|+]$|([-=])\1 +\1\1")
"""Text in columns, or a border; a tab may mean more than its width."""
ITEM = re.compile(r"\s*(?:[-*+•]|\(?\w{1,3}[.)])\s+(?=\S)")
"""How an item of a list begins."""
_AFTER_SENTENCE = re.compile(r"(?<=[.!?:;,])  (?=\S)")
_WRAPPED_CHARS = 40
"""A shorter line was not ended by a margin."""
_WORDY = 0.85
"""Share of letters and what stands between words, from which a line is taken for prose."""
_CODE = re.compile(r"[{};=\\]$|^\s*(?:[$>#%]|//|\.\. |:\w+:)|^\s*\w+\(|\s[=<>|&+]{1,3}\s")
_NO_WORDS = re.compile(r"[^\w ,.'\u2019-]")


def tidied(text: str) -> str:
    """The text with less white space; a line that is not blank stays a line of its own."""
    parts = list(_parts([line.rstrip() for line in text.split("\n")]))
    levels = sorted({_indent(line) for lines, plain in parts for line in _leading(lines, plain)})
    level = {width: number for number, width in enumerate(levels)}
    shown = list[str]()
    for lines, plain in parts:
        if any(lines) or (shown and shown[-1]):
            shown += _outdented(lines, plain, level)
    return "\n".join(shown).strip("\n")


def _parts(lines: Sequence[str]) -> Iterator[tuple[list[str], bool]]:
    """Paragraphs, blank lines and fenced blocks; and whether their white space says little."""
    part, fence = list[str](), ""
    for line in lines:
        mark = found[1] if (found := _FENCE.match(line)) else ""
        if not fence and (mark or not line):
            yield part, _is_plain(part)
            part, fence = [], mark
        part.append(line)
        closes = fence and len(part) > 1 and mark.startswith(fence) and line.strip() == mark
        if closes or not (fence or line):
            yield part, not fence
            part, fence = [], ""
    yield part, not fence and _is_plain(part)


def _is_plain(paragraph: Sequence[str]) -> bool:
    return not any(_COLUMNS.search(line.lstrip()) for line in paragraph)


def _leading(lines: Sequence[str], plain: bool) -> Iterator[str]:
    """The lines whose indentation says how deep they stand."""
    filled = [line for line in lines if line]
    if not plain:
        yield from sorted(filled, key=_indent)[:1]
    else:
        yield from (line for at, line in enumerate(filled) if not _goes_on(filled, at))


def _outdented(lines: Sequence[str], plain: bool, level: dict[int, int]) -> Iterator[str]:
    if not plain:
        least = min((_indent(line) for line in lines if line), default=0)
        yield from (" " * level.get(least, 0) + line[least:] for line in lines)
        return
    for at, line in enumerate(lines):
        words = _RULE.sub(r"\1\1\1", line) if _RULE.fullmatch(line.strip()) else line
        words = _AFTER_SENTENCE.sub(" ", words.strip())
        yield words if _goes_on(lines, at) else " " * level.get(_indent(line), 0) + words


def _goes_on(lines: Sequence[str], at: int) -> bool:
    """Whether a line goes on with the sentence of the one before, at the same margin."""
    if not at or ITEM.match(lines[at]):
        return False
    before, line = lines[at - 1], lines[at]
    item = ITEM.match(before)
    margin = item.end() if item else _indent(before)
    wrapped = len(before) - margin >= _WRAPPED_CHARS
    return wrapped and margin == _indent(line) and _is_prose(before) and _is_prose(line)


def _is_prose(line: str) -> bool:
    marks = len(_NO_WORDS.findall(line.strip()))
    return not _CODE.search(line) and marks <= (1 - _WORDY) * len(line.strip())


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
