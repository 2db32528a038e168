"""Prose into sentences."""

from __future__ import annotations

import re

from langgraph_fusion.models.offline.citations import CITATION, CITATIONS

LONGEST_SENTENCE = 420
"""Characters a quotation may have."""

_BOUNDARY = re.compile(
    r"[.!?…]{1,6}[\"”\u2019')\]*]{0,6}(?=\s)|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d\uff09]*"
)
_TRAILING_CITATIONS = re.compile(rf"\s*{CITATIONS}")
_NUMBER_SIGN = re.compile(r"\b[Nn](?:o|r)s?\.$")
_ENDS_CITED = re.compile(rf"{CITATION}$")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[])(?:(?-i:[A-Z])|e\.g|i\.e|vs|cf|dr|mrs?|ms|prof|st|fig|approx|inc|ltd|jr|sr|al|ca|eq|"
    r"resp|esp|incl|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|z\.b|d\.h|bzw|(?-i:[A-Z]\.[A-Z]))\.$",
    re.IGNORECASE,
)


def split_sentences(prose: str) -> list[str]:
    """Split one paragraph; citations that follow a full stop stay with their sentence."""
    sentences: list[str] = []
    start = 0
    for boundary in _BOUNDARY.finditer(prose):
        end = _after_citations(prose, boundary.end())
        if boundary.start() >= start and _is_end(prose, start, boundary, end):
            sentences.append(prose[start:end])
            start = end
    sentences.append(prose[start:])
    return [sentence.strip() for sentence in sentences if sentence.strip()]


def cut_long(sentence: str) -> list[str]:
    """Cut a sentence too long to quote at clauses; what goes on ends with an ellipsis."""
    parts: list[str] = []
    while len(sentence) > LONGEST_SENTENCE:
        cuts = [sentence.rfind(mark, 160, LONGEST_SENTENCE - 2) for mark in ("; ", ", ", " ")]
        cut = next((cut for cut in cuts if cut > 0), LONGEST_SENTENCE - 2)
        parts.append(f"{sentence[:cut].rstrip(' ,;')} …")
        sentence = sentence[cut + 1 :].strip()
    return [*parts, sentence]


def _after_citations(prose: str, end: int) -> int:
    cited = _TRAILING_CITATIONS.match(prose, end)
    return cited.end() if cited else end


def _is_end(prose: str, start: int, boundary: re.Match[str], end: int) -> bool:
    if prose[start : boundary.start()].count("`") % 2:
        return False
    if _ENDS_CITED.search(prose, max(start, boundary.start() - 80), boundary.start()):
        return True
    if boundary.group().startswith(".") and _ABBREVIATION.search(
        prose[max(start, boundary.start() - 12) : boundary.start() + 1]
    ):
        return False
    following = prose[end : end + 6].lstrip().lstrip("\"'“\u2018([*_")
    numbered = _NUMBER_SIGN.search(prose, max(start, boundary.start() - 4), boundary.end())
    if numbered and following[:1].isdigit():
        return False
    return not following or not following[0].islower()
