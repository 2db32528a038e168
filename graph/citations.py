"""Find source ids in prose: `[A3]`, `[A3][B1]`, `[A3, B1]`, never inside code."""

import re
from collections.abc import Iterator

_ID = r"[A-H]\d{1,4}"
_ONE = rf"\[{_ID}(?:\s*[,;]\s*{_ID})*\](?!\()"
CITATIONS = re.compile(rf"{_ONE}(?:[ ,;]*{_ONE})*")
"""Citations that stand side by side, as one match."""
_CODE = re.compile(r"(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`)", re.DOTALL)


def cited_ids(text: str) -> list[str]:
    """Source ids that a text cites, each once, in order of appearance."""
    found = (name for prose in _prose(text) for name in _ids(prose))
    return list(dict.fromkeys(found))


def split_code(text: str) -> list[tuple[str, bool]]:
    """Cut Markdown into (part, is code); joined again it is the same text."""
    return [(part, index % 2 == 1) for index, part in enumerate(_CODE.split(text)) if part]


def names_in(citations: str) -> list[str]:
    """The ids between the brackets of one match of `CITATIONS`, each once."""
    return list(dict.fromkeys(re.findall(_ID, citations)))


def _prose(text: str) -> Iterator[str]:
    return (part for part, is_code in split_code(text) if not is_code)


def _ids(prose: str) -> Iterator[str]:
    for citations in CITATIONS.findall(prose):
        yield from names_in(citations)
