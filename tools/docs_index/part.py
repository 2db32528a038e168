"""The part of a document that is read at once: whole lines, a section, with its outline."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from langgraph_fusion.tools.closeness import closest_first
from langgraph_fusion.tools.docs_index.formats import markup_of
from langgraph_fusion.tools.docs_index.headings import Heading, headings
from langgraph_fusion.tools.docs_index.passages import cut, passages, sections
from langgraph_fusion.tools.docs_index.reading import Document
from langgraph_fusion.tools.errors import ToolFailure

_OUTLINE = 40
"""Headings shown; of a longer outline the highest levels."""
_TOO_FEW = 3
_CLOSEST = 4
"""Places named."""


@dataclass(frozen=True)
class Part:
    """Some consecutive lines of a document."""

    heading: str
    """The headings above its first line, outermost first."""
    text: str
    first_line: int
    """From 1."""
    last_line: int
    notes: tuple[str, ...]
    """What else there is, and how to read it."""


def part_of(
    document: Document, *, section: str, start: int, end: int, size: int, topic: str = ""
) -> Part:
    """Return the lines from `start` to `end`, both from 1, or to the end of the `section`.

    At most `size` characters; an `end` of 0 is none. Of what is left out, the places that are
    closest to the `topic` are named.

    Raises:
        ToolFailure: `invalid_arguments` if there is no such line, `not_found` for a section.
    """
    lines = document.text.split("\n")
    found = headings(lines, markup_of(PurePosixPath(document.path).suffix.lower()))
    if section.strip():
        start, end = _section(section, found, len(lines))
    if not 1 <= start <= len(lines) or (end and end < start):
        raise ToolFailure("invalid_arguments", f"There are lines 1 to {len(lines)} here.")
    end = min(end or len(lines), len(lines))
    last = _last_line(lines, start, end, size)
    text = "\n".join(lines[start - 1 : last])
    notes = []
    if len(text) > size:
        text = next(cut(text, size)).rstrip()
        notes.append(f"[line {start} is longer than can be shown: search for words of its rest]")
    notes += _notes(start, last, end, len(lines))
    if last < end:
        notes += _closest(document, lines[last:], last + 1, topic)
    if start == 1 and last < len(lines):
        notes += _outline(found)
    return Part(_heading_at(lines, found, start), text, start, last, tuple(notes))


def _last_line(lines: Sequence[str], start: int, end: int, size: int) -> int:
    """The last line of those that fit, at least one."""
    taken, last = 0, start
    for number in range(start, end + 1):
        taken += len(lines[number - 1]) + 1
        if taken - 1 > size:
            break
        last = number
    return last


def _section(asked: str, found: Sequence[Heading], count: int) -> tuple[int, int]:
    """First and last line of the section whose heading fits best."""
    wanted = " ".join(asked.rpartition(" > ")[2].casefold().split()).strip("#= ")
    titles = [" ".join(one.title.casefold().split()) for one in found]
    fits = (
        [at for at, title in enumerate(titles) if title == wanted]
        or [at for at, title in enumerate(titles) if title.startswith(wanted)]
        or [at for at, title in enumerate(titles) if wanted in title]
    )
    if not fits:
        outline = "\n".join(_outline(found)) or "It has no sections."
        raise ToolFailure("not_found", f"There is no such section.\n{outline}")
    at = fits[0]
    after = (one.line for one in found[at + 1 :] if one.level <= found[at].level)
    return found[at].line + 1, next(after, count)


def _notes(start: int, last: int, end: int, count: int) -> list[str]:
    if (start, last) == (1, count):
        return []
    on = f"; read on with start={last + 1}" if last < count else "; this is the end"
    return [f"[lines {start}-{last} of {count}{on if last <= end else ''}]"]


def _closest(document: Document, rest: list[str], first: int, topic: str) -> list[str]:
    """Where in the rest to look for what is asked."""
    markup = markup_of(PurePosixPath(document.path).suffix.lower())
    found = passages("\n".join(rest), markup)
    places = [
        found[at].first_line + first - 1 for at in closest_first([one.text for one in found], topic)
    ]
    at = ", ".join(map(str, sorted(places[:_CLOSEST])))
    return [f"[closest to what you are asked in the rest: lines {at}]"] if places else []


def _outline(found: Sequence[Heading]) -> list[str]:
    shown = list(found)
    while len(shown) > _OUTLINE:
        deepest = max(one.level for one in shown)
        higher = [one for one in shown if one.level < deepest]
        if len(higher) < _TOO_FEW:
            break
        shown = higher
    if not shown:
        return []
    highest = min(one.level for one in shown)
    lines = [f"{'  ' * (one.level - highest)}{one.title} (line {one.line + 1})" for one in shown]
    more = [f"and {len(lines) - _OUTLINE} more"] if len(lines) > _OUTLINE else []
    return ["Sections:", *lines[:_OUTLINE], *more]


def _heading_at(lines: list[str], found: Sequence[Heading], start: int) -> str:
    path = ""
    for heading, first, _ in sections(lines, found):
        if first > start:
            break
        path = heading
    return path
