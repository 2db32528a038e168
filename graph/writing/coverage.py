"""Measure how much of the answers and of the question the final text covers, without a model.

A measure by words and digits, for comparing runs: a figure that was rounded counts as lost, and a
part of the question that was answered in other words may count as not treated.
"""

import re
from collections.abc import Iterable, Iterator

from langgraph_fusion.graph.citations import CITATIONS
from langgraph_fusion.models.markdown import split_code

_ADDRESS = re.compile(r"https?://\S+")
_FIGURE = re.compile(
    r"(?<![\w.,])(?P<money>[$€£¥]\s?)?(?P<number>\d(?:[\d.,]*\d)?)(?!\w*\d)"
    r"(?:\s?(?P<percent>%|percent\b|per cent\b|Prozent\b))?"
)
_LIST_NUMBER = re.compile(r"^[^\S\n]*+\d{1,3}[.)]\s", re.MULTILINE)
_THOUSANDS = re.compile(r"[.,](?=\d{3}(?:[.,]|$))")
_PARTS = re.compile(r"(?<=[.?!;])\s+|\n+|(?:(?<!\s)\s++)?[•·]\s+")
_WORD = re.compile(r"[^\W\d_]{4,}")
_STEM = 5
"""Letters by which words are compared, so that their endings do not matter."""
_TREATED = 0.5
"""Share of a part's words that a text needs to count as treating it."""


def figures(text: str) -> set[str]:
    """The figures of a text, written alike: amounts, shares, years, quantities.

    A lone digit counts only with a sign (`$5`, `5 %`); numbers of lists, ids and addresses never.
    """
    prose = "".join(part for part, is_code in split_code(text) if not is_code)
    prose = CITATIONS.sub(" ", _ADDRESS.sub(" ", _LIST_NUMBER.sub(" ", prose)))
    return {figure for found in _FIGURE.finditer(prose) if (figure := _figure(found))}


def figures_kept(answers: Iterable[str], final: str) -> float | None:
    """Share of the answers' figures that stand in the final text; None when they have none."""
    given = set[str]().union(*(figures(answer) for answer in answers))
    return len(given & figures(final)) / len(given) if given else None


def parts_treated(question: str, final: str) -> float | None:
    """Share of the question's parts whose words the final text takes up; None when it has none."""
    said = set(word_stems(final))
    parts = [words for part in _PARTS.split(question) if len(words := set(word_stems(part))) > 1]
    if not parts:
        return None
    return sum(len(words & said) >= _TREATED * len(words) for words in parts) / len(parts)


def _figure(found: re.Match[str]) -> str:
    number = _plain(found["number"])
    if found["money"]:
        return found["money"].strip() + number
    if found["percent"]:
        return f"{number}%"
    return number if len(number) > 1 else ""


def _plain(number: str) -> str:
    """`1,200.50` and `1200.5` as the same."""
    whole = _THOUSANDS.sub("", number).replace(",", ".")
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def word_stems(text: str) -> Iterator[str]:
    """The words of a text by their beginnings, as they are compared."""
    return (word[:_STEM] for word in _WORD.findall(text.lower()))
