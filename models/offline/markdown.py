"""Markdown (or plain text) into quotable sentences that know their heading and paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from langgraph_fusion.models.offline.inline import plain_inline
from langgraph_fusion.models.offline.splitting import split_sentences

_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*)$")
_UNDERLINE = re.compile(r"^\s{0,3}(=|-|~|\^){3,}\s*$")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+(.*)$")
_RULE = re.compile(r"^\s*([-*_]\s*){3,}$")
_TABLE_RULE = frozenset(" \t|:-")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\s*\n", re.DOTALL)
_LINK_TARGET = re.compile(r"^\s{0,3}\[[^\]]+\]:\s+\S+")
_SHORT_CODE_LINES = 3
_SHORT_CODE_CHARACTERS = 160
_JOINED_LIST_CHARACTERS = 300


@dataclass(frozen=True)
class Sentence:
    """One sentence of a document; a list item or table row counts as one."""

    text: str
    heading: str = ""
    lead: str = ""
    """The sentence with a colon that introduced the list."""
    paragraph: int = 0


def read_sentences(text: str) -> list[Sentence]:
    """Return every quotable sentence in order; of code only 1-3 lines that a colon leads to."""
    reader = _Reader()
    body = _FRONT_MATTER.sub("", _without_comments(text.replace("\r\n", "\n")))
    for line in body.split("\n"):
        reader.feed(line)
    return list(reader.close())


@dataclass
class _Reader:
    """The state of one pass over the lines."""

    found: list[Sentence] = field(default_factory=list[Sentence])
    heading: str = ""
    lead: str = ""
    fence: str = ""
    code: list[str] = field(default_factory=list[str])
    prose: list[str] = field(default_factory=list[str])
    items: list[str] = field(default_factory=list[str])
    table: list[list[str]] = field(default_factory=list[list[str]])
    paragraph: int = 0
    after_blank: bool = False

    def feed(self, line: str) -> None:
        if self.fence or _FENCE.match(line):
            self._feed_code(line)
        elif not line.strip():
            self._end_prose()
            self._end_table()
        elif not self._feed_structure(line):
            self._feed_text(line)

    def close(self) -> list[Sentence]:
        if self.fence:
            self._end_code()
        self._end_block()
        return self.found

    def _feed_structure(self, line: str) -> bool:
        heading = _HEADING.match(line)
        if heading:
            self._start_section(heading.group(1).rstrip(" \t#"))
        elif _UNDERLINE.match(line) and len(self.prose) == 1 and not self.items:
            title, self.prose = self.prose[0], []
            self._start_section(title)
        elif "|" in line and (self.table or line.count("|") > 1):
            self._feed_row(line)
        else:
            return bool(_RULE.match(line) or _LINK_TARGET.match(line))
        return True

    def _feed_text(self, line: str) -> None:
        item = _ITEM.match(line)
        if item:
            self._end_prose()
            self._end_table()
            self.items.append(item.group(1))
        elif self.items and (line.startswith((" ", "\t")) or not self.after_blank):
            self.items[-1] += " " + line.strip()
        else:
            self._end_items()
            self._end_table()
            self.prose.append(line.strip().removeprefix(">").strip())
        self.after_blank = False

    def _start_section(self, title: str) -> None:
        self._end_block()
        self.heading, self.lead = plain_inline(title), ""

    def _feed_row(self, line: str) -> None:
        if not self.table:
            self._end_prose()
            self._end_items()
        if not set(line) <= _TABLE_RULE:
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            self.table.append([_one_sentence(plain_inline(cell)) for cell in cells])

    def _feed_code(self, line: str) -> None:
        mark = _FENCE.match(line)
        if not self.fence:
            self._end_prose()
            self.fence = mark.group(1) if mark else ""
        elif mark and mark.group(1).startswith(self.fence) and not line.strip(" \t`~"):
            self._end_code()
        else:
            self.code.append(line.strip())

    def _end_code(self) -> None:
        lines = [line for line in self.code if line and not line.startswith(("#", "//"))]
        fits = len(lines) <= _SHORT_CODE_LINES and sum(map(len, lines)) <= _SHORT_CODE_CHARACTERS
        if self.lead and lines and fits and not any("`" in line for line in lines):
            self._add(f"{self.lead} {', '.join(f'`{line}`' for line in lines)}")
            self.lead = ""
        self.fence, self.code = "", []

    def _end_block(self) -> None:
        self._end_prose()
        self._end_items()
        self._end_table()

    def _end_prose(self) -> None:
        self.after_blank = True
        if not self.prose:
            return
        text, self.prose = plain_inline(" ".join(self.prose)), []
        self.paragraph += 1
        self.lead = ""
        for sentence in split_sentences(text):
            if sentence.endswith(":"):
                self.lead = sentence
            else:
                self._add(sentence)

    def _end_items(self) -> None:
        if not self.items:
            return
        items, self.items = [plain_inline(item) for item in self.items], []
        self.paragraph += 1
        joined = "; ".join(_one_sentence(item) for item in items)
        if self.lead and len(self.lead) + len(joined) <= _JOINED_LIST_CHARACTERS:
            self._add(f"{self.lead} {joined}.")
        else:
            for item in items:
                for sentence in split_sentences(item):
                    self._add(sentence, self.lead)
        self.lead = ""

    def _end_table(self) -> None:
        if self.table:
            self.paragraph += 1
            for sentence in _rows(self.table):
                self._add(sentence)
        self.table = []

    def _add(self, text: str, lead: str = "") -> None:
        if any(mark.isalnum() for mark in text):
            self.found.append(Sentence(text, self.heading, lead, self.paragraph))


def _without_comments(text: str) -> str:
    before, *rest = text.split("<!--")
    return " ".join([before, *(part.partition("-->")[2] for part in rest)])


def _rows(table: list[list[str]]) -> Iterator[str]:
    """Write up to three columns as one sentence per row, more as one per cell."""
    header, *rows = table
    if len(header) > 2 and all(not _has_letters(row[0]) for row in rows):
        header, rows = header[1:], [row[1:] for row in rows if len(row) > 1]
    for first, *rest in rows:
        cells = [
            (name, cell) for name, cell in zip(header[1:], rest, strict=False) if _has_words(cell)
        ]
        named = [f"{name}: {cell}" if name else cell for name, cell in cells]
        if not _has_words(first) or not named:
            continue
        if len(header) == 2:
            yield f"{first}: {cells[0][1]}"
        elif len(header) == 3:
            yield f"{first} — {'; '.join(named)}"
        else:
            yield from (f"{first} — {each}" for each in named)


def _has_words(cell: str) -> bool:
    return any(mark.isalnum() for mark in cell)


def _has_letters(cell: str) -> bool:
    return any(mark.isalpha() for mark in cell)


def _one_sentence(text: str) -> str:
    return "; ".join(part.rstrip(".;,") for part in split_sentences(text))
