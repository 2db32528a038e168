"""The claims of an answer, one for every citation: what stands before the id, in its sentence.

In a sentence with several citations each one answers for what stands between the citation before
it and itself; the last one also for what follows. A row of a table is one sentence, with the heads
of its columns.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langgraph_fusion.graph.citations import CITATIONS, names_in
from langgraph_fusion.models.markdown import split_code

_BRACKET = "\ue002"
"""A bracket inside code, where no citation is."""
_MARK = "\ue000{}\ue001"
_MARKED = re.compile("\ue000(\\d+)\ue001")
_TRAILING = "(?:[ \\t]*\ue000\\d+\ue001)*"
_WIDE = "\u3002\uff01\uff1f"
"""Full stops of scripts that put no space behind them."""
_END = re.compile(
    rf"(?<![.!?\u2026{_WIDE}])[.!?\u2026{_WIDE}]+[\"'\u201d\u2019)\]*_]*{_TRAILING}(?![ \t]*\ue000)"
    rf"(?:(?<=[{_WIDE}\ue001])\s*|\s+)(?=\S)"
)
_SHORT = re.compile(
    r"(?:\b(?:[A-Za-z]|e\.g|i\.e|vs|cf|al|etc|approx|ca|[Nn]o|[Nn]r|[Ff]ig|[Ss]ec|[Aa]rt|Dr|Mr|Mrs|"
    r"Ms|Prof|St|Inc|Ltd|Co|Corp|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)|^\s*\d{1,3})\.$"
)
"""After these a full stop ends no sentence."""
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s++([^\n]*+)\s*+$|^\s*+\*\*([^*]++)\*\*:?\s*+$")
_ROW = re.compile(r"^\s*\|.*\|\s*$")
_LEAST = 3
"""Words without which a piece between two citations says nothing of its own."""
THIS, ANOTHER = "[this]", "[another]"


@dataclass(frozen=True)
class CitedClaim:
    """What one citation of an answer is given for."""

    id: str
    """Of the source, as it is cited."""
    text: str
    """What the citation answers for, without any ids."""
    sentence: str
    """The whole sentence, with the place of this citation and of others marked."""
    before: str = ""
    """The heading it stands under and the sentence before it: whom or what it speaks of."""


def cited_claims(answer: str) -> Iterator[CitedClaim]:
    """Yield every citation of a Markdown text with its claim, in order of appearance.

    The ids are those that stand in the text, whether or not there is such a source. Code is left
    out. The same claim with the same id comes once.
    """
    prose = "".join(_shown(part, is_code) for part, is_code in split_code(answer))
    groups: list[list[str]] = []

    def mark(found: re.Match[str]) -> str:
        groups.append(names_in(found.group()))
        return _MARK.format(len(groups) - 1)

    marked = CITATIONS.sub(mark, prose)
    seen = set[tuple[str, str]]()
    for before, sentence in _sentences(marked):
        for claim in _claims(before, sentence, groups):
            if (claim.id, claim.text) not in seen:
                seen.add((claim.id, claim.text))
                yield claim


def _shown(part: str, is_code: bool) -> str:
    """Code in a line as it is, without citations; a block of code as nothing."""
    plain = re.sub("[\ue000-\ue002]", "", part)
    if is_code:
        return "\n\n" if "\n" in part else plain.replace("[", _BRACKET)
    return plain


def _claims(before: str, sentence: str, groups: Sequence[list[str]]) -> Iterator[CitedClaim]:
    marks = list(_MARKED.finditer(sentence))
    for place, mark in enumerate(marks):
        text = _piece(sentence, marks, place)
        shown = _MARKED.sub(
            lambda found, own=mark[1]: f" {THIS if found[1] == own else ANOTHER}",  # type: ignore[misc]
            sentence,
        )
        for id in groups[int(mark[1])]:
            yield CitedClaim(id, text, _plain(shown), _plain(_MARKED.sub("", before)))


def _piece(sentence: str, marks: Sequence[re.Match[str]], place: int) -> str:
    """What the citation at this place answers for; if that says nothing, all up to it."""
    begin = marks[place - 1].end() if place else 0
    last = place == len(marks) - 1
    end = len(sentence) if last else marks[place].start()
    piece = _bare(sentence[begin:end])
    if len(re.findall(r"\w+", piece)) < _LEAST:
        piece = _bare(sentence[: len(sentence) if last else end])
    return piece


def _bare(text: str) -> str:
    return _plain(_MARKED.sub("", text)).lstrip(" ,;:.)\u2013-").strip()


def _plain(text: str) -> str:
    spaced = " ".join(text.replace(_BRACKET, "[").split())
    return re.sub(r"\s+([.,;:!?)])", r"\1", spaced)


def _sentences(text: str) -> Iterator[tuple[str, str]]:
    """Every sentence, with the heading above it and the sentence before it."""
    heading, columns = "", ""
    for block in _blocks(text):
        if found := _HEADING.match(block):
            heading, columns = (found[1] or "").rstrip(" \t#") or found[2] or "", ""
            yield "", heading
        elif _ROW.match(block):
            yield heading, _row(columns, block) if columns else block
            columns = columns or block
        else:
            earlier, columns = "", ""
            for sentence in _cut(_ITEM.sub("", block)):
                yield " … ".join(one for one in (heading, earlier) if one), sentence
                earlier = sentence


def _blocks(text: str) -> Iterator[str]:
    """Headings, rows, items and paragraphs; the lines of a paragraph as one."""
    held: list[str] = []
    for line in [*text.splitlines(), ""]:
        alone = _HEADING.match(line) or _ROW.match(line)
        if held and (not line.strip() or alone or _ITEM.match(line)):
            yield " ".join(held)
            held = []
        if alone:
            yield line.strip()
        elif line.strip():
            held.append(line.strip())


def _cut(block: str) -> Iterator[str]:
    begin = 0
    for end in _END.finditer(block):
        if not _SHORT.search(block[begin : end.start() + 1]):
            yield block[begin : end.end()].strip()
            begin = end.end()
    if block[begin:].strip():
        yield block[begin:].strip()


def _row(columns: str, row: str) -> str:
    """`head: cell; head: cell`."""
    heads, cells = _cells(columns), _cells(row)
    named = [
        f"{head}: {cell}" if head and cell else cell
        for head, cell in zip([*heads, *[""] * len(cells)], cells, strict=False)
    ]
    return "; ".join(one for one in named if one)


def _cells(row: str) -> list[str]:
    return [_MARKED.sub(r" \g<0>", cell).strip() for cell in row.strip().strip("|").split("|")]
