"""Find source ids in prose: `[A3]`, `[A3][B1]`, `[A3, B1]`, never inside code."""

import re
from collections.abc import Iterator

from langgraph_fusion.models.markdown import split_code

_ID = r"[A-H]\d{1,4}"
_AND = r"\s{0,9}(?:[,;/&+\u2013-]|and)\s{0,9}"
_IDS = rf"\s{{0,9}}(?:[Ss]ources?:?\s{{1,9}})?{_ID}(?:{_AND}{_ID})*\s{{0,9}}"
_TARGET = r"(?:\((?:[^()\s]|\([^()\s]*\))*\))?"
"""`[A3](address)` cites A3 as well: a model does not know what the link will be."""
_ONE = rf"\\?[\[\u3010]{_IDS}\\?[\]\u3011]{_TARGET}"
CITATIONS = re.compile(rf"{_ONE}(?:[ ,;]*{_ONE})*")
"""Citations that stand side by side, as one match."""
_REST = r"(?:[^\s<>\"'`()\[\]{}]|\([^\s<>\"'`()\[\]{}]*\))"
_WWW = r"(?<![a-z0-9@./\\-])www\.(?![\w.+-]*@)(?:[\w-]{1,63}\.)+[^\W\d_]{2,}(?::\d+)?"
"""An address without its scheme; other names with dots in them are those of files, mostly."""
ADDRESS = rf"(?:https?://{_REST}+|{_WWW}(?:[/?#]{_REST}*)?)"
"""An address of the web in prose, to be read without regard to case; marks at its end included."""
_RANGE = re.compile(rf"({_ID})\s*[\u2013-]\s*({_ID})")
_WIDEST = 20
"""Ids that a range such as `A1-A4` may stand for."""


def cited_ids(text: str) -> list[str]:
    """Source ids that a text cites, each once, in order of appearance."""
    found = (name for prose in _prose(text) for name in _ids(prose))
    return list(dict.fromkeys(found))


def names_in(citations: str) -> list[str]:
    """The ids between the brackets of one match of `CITATIONS`, each once."""
    bare = re.sub(rf"(?<=[\]\u3011]){_TARGET}", "", citations)
    whole = _RANGE.sub(lambda found: _all_of(found[1], found[2]), bare)
    return list(dict.fromkeys(re.findall(_ID, whole)))


def _all_of(first: str, last: str) -> str:
    """`A1,A2,A3` for the range from A1 to A3."""
    low, high = int(first[1:]), int(last[1:])
    if first[0] != last[0] or not low < high <= low + _WIDEST:
        return f"{first},{last}"
    return ",".join(f"{first[0]}{number}" for number in range(low, high + 1))


def _prose(text: str) -> Iterator[str]:
    return (part for part, is_code in split_code(text) if not is_code)


def _ids(prose: str) -> Iterator[str]:
    for citations in CITATIONS.finditer(prose):
        yield from names_in(citations.group())
