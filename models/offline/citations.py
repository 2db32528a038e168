"""Source ids in prose: `[A3]`, `[A3][B7]`, `[A3, B7]`."""

from __future__ import annotations

import re
from collections.abc import Iterable

SOURCE_ID = r"[A-H]\d{1,5}"
CITATION = rf"\[\s*{SOURCE_ID}(?:\s*[,;]\s*{SOURCE_ID})*\s*\]"
CITATIONS = rf"{CITATION}(?:[ ,;]*{CITATION})*"

_CITATIONS = re.compile(rf"\s*{CITATIONS}")
_IDS = re.compile(SOURCE_ID)
_END = re.compile(r"[.!?…:;,\s]+$")


def cited_ids(text: str) -> tuple[str, ...]:
    """Return the source ids cited in `text`, each once, in order."""
    found = (each for group in _CITATIONS.findall(text) for each in _IDS.findall(group))
    return tuple(dict.fromkeys(found))


def without_citations(text: str) -> str:
    """Return the text alone."""
    return _CITATIONS.sub("", text).strip()


def cite(text: str, ids: Iterable[str]) -> str:
    """Put the ids before the full stop; a question or exclamation keeps its mark."""
    marks = "".join(f"[{each}]" for each in dict.fromkeys(ids))
    if text.endswith(("?", "!", "…", "。")):
        return f"{text} {marks}".rstrip()
    return f"{_END.sub('', text)} {marks}".rstrip() + "."
