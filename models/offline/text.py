"""Markdown into sentences, and sentences into the terms by which they are compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from threading import local

from markdown_it import MarkdownIt
from markdown_it.token import Token
from snowballstemmer import stemmer
from stopwordsiso import stopwords

_ID = r"[A-H]\d{1,5}"
_CITATION = rf"\[\s*{_ID}(?:\s*[,;]\s*{_ID})*\s*\]"
_CITATIONS = re.compile(rf"\s*{_CITATION}(?:[ ,;]*{_CITATION})*")
_LONGEST_TEXT = 40_000
"""Characters read of one text: more than a tool shows of a page."""
_LONGEST_SENTENCE = 420
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\s*\n", re.DOTALL)
_END = re.compile(
    rf"(?<![.!?…])[.!?…]+[\"”')*]*(?:\s*{_CITATION})*(?=\s+[^a-z\s]|\s*\Z)"
    rf"|[\u3002\uff01\uff1f]+(?:\s*{_CITATION})*"
)
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|vs|cf|Dr|Mrs?|Ms|St|No|approx|ca|[A-Z]))\.$")
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W_]+(?:'[a-z]{1,2}\b)?")
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_NOT = re.compile(r"\b(?:not(?! only)|never|cannot|without|neither|nor|no)\b|n't\b", re.I)
_ASKING = {"explain", "documents", "documentation", "docs", "describes", "happens"}
_TOPICAL = {"open", "system", "computer", "home", "test", "fire", "bill"}
"""Words of the list that a question may well be about."""
_STOP_WORDS = (stopwords("en") | _ASKING) - _TOPICAL
# Entities stay as they are: `&lt;` before a tag's name keeps a quotation inside its block.
_MARKDOWN = (
    MarkdownIt("commonmark").enable("table").disable(["entity", "reference", "code", "html_block"])
)


class _Stemmer(local):
    """A stemmer for each thread: it holds the word that it is working on."""

    def __init__(self) -> None:
        self.stem = stemmer("english").stemWord


_STEMMER = _Stemmer()


@dataclass(frozen=True)
class Sentence:
    """One sentence of a document; a table row counts as one."""

    text: str
    heading: str = ""


@lru_cache(maxsize=512)
def read_sentences(text: str) -> tuple[Sentence, ...]:
    """Return every quotable sentence in order, without markup and code blocks."""
    heading, before = "", ""
    row: list[str] = []
    found: list[Sentence] = []
    for token in _MARKDOWN.parse(_FRONT_MATTER.sub("", text[:_LONGEST_TEXT])):
        if token.type == "inline" and before == "heading_open":
            heading = _shown(token)
        elif token.type == "inline" and before in ("th_open", "td_open"):
            row.append(_shown(token))
        elif token.type == "inline":
            found += [Sentence(each, heading) for each in split_sentences(_shown(token))]
        elif token.type == "tr_close":
            found.append(Sentence(" — ".join(row), heading))
            row = []
        before = token.type
    return tuple(each for each in found if terms(each.text))


def split_sentences(prose: str) -> Iterator[str]:
    """Split one paragraph; citations behind a full stop stay with their sentence."""
    start = 0
    for end in _END.finditer(prose):
        if not _ABBREVIATION.search(prose, max(start, end.start() - 8), end.start() + 1):
            yield prose[start : end.end()].strip()
            start = end.end()
    if prose[start:].strip():
        yield prose[start:].strip()


def shorten(text: str) -> str:
    """Cut to a quotable length at a space."""
    cut = text[:_LONGEST_SENTENCE].rsplit(" ", 1)[0]
    return text if len(text) <= _LONGEST_SENTENCE else f"{cut} …"


def cited_ids(text: str) -> tuple[str, ...]:
    """Return the source ids in `[A3]`, `[A3][B7]` and `[A3, B7]`, each once, in order."""
    groups = _CITATIONS.findall(text)
    return tuple(dict.fromkeys(each for group in groups for each in re.findall(_ID, group)))


def without_citations(text: str) -> str:
    return _CITATIONS.sub("", text).strip()


def cite(text: str, ids: Iterable[str]) -> str:
    """Put the ids before the full stop; a question or exclamation keeps its mark."""
    marks = "".join(f"[{each}]" for each in dict.fromkeys(ids))
    if text.endswith(("?", "!", "…", "。")):
        return f"{text} {marks}".rstrip()
    return f"{text.rstrip('.:;, ')} {marks}".rstrip() + "."


@lru_cache(maxsize=1 << 14)
def terms(text: str) -> frozenset[str]:
    """Return the stems of the words that carry a topic, and the numbers.

    Of a sentence without spaces (Chinese, Japanese, Thai) it is the pairs of its characters.
    """
    return frozenset(stem(part) for word in topical_words(text) for part in _parts(word))


def _parts(word: str) -> list[str]:
    if not _UNSPACED.search(word):
        return [word]
    pairs = [run[at : at + 2] for run in _UNSPACED.findall(word) for at in range(len(run) - 1)]
    return [*pairs, *_UNSPACED.sub(" ", word).split()]


def topical_words(text: str) -> list[str]:
    """Return the words that are neither stop words nor lone letters, as written."""
    words = (word.removesuffix("'s") for word in _WORD.findall(text))
    return [
        word
        for word in words
        if word[0].isdigit() or (len(word) > 1 and word.lower() not in _STOP_WORDS)
    ]


@lru_cache(maxsize=1 << 15)
def stem(word: str) -> str:
    return word.replace(",", "") if word[0].isdigit() else str(_STEMMER.stem(word.lower()))


def overlap(left: frozenset[str], right: frozenset[str]) -> float:
    """Return the Jaccard similarity, 0 to 1."""
    return len(left & right) / (len(left | right) or 1)


@lru_cache(maxsize=1 << 14)
def is_negated(text: str) -> bool:
    """Tell whether a sentence denies something; two negations cancel out."""
    return len(_NOT.findall(text)) % 2 == 1


def denied(text: str) -> frozenset[str]:
    """Return the first topical word after the negation."""
    found = _NOT.search(text)
    return frozenset(map(stem, topical_words(text[found.end() :])[:1] if found else []))


def numbers(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words if word[0].isdigit())


def says_the_same(left: str, right: str) -> bool:
    """Tell whether two sentences state one thing; another number or a negation is news."""
    ours, theirs = terms(left), terms(right)
    if numbers(ours) != numbers(theirs) or is_negated(left) != is_negated(right):
        return False
    smaller, larger = sorted((ours, theirs), key=len)
    contained = len(smaller) >= 4 and smaller <= larger and len(larger) <= 2 * len(smaller)
    return contained or overlap(ours, theirs) >= 0.55


def _shown(token: Token) -> str:
    """Return the words of an inline token as a reader sees them; code keeps its backticks.

    So do names such as `__init__` their underscores, which Markdown takes for strong emphasis.
    """
    parts: list[str] = []
    strong = ""
    for child in token.children or []:
        if child.type == "code_inline":
            parts.append(f"`{child.content}`")
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type in ("text", "text_special"):
            name = strong == "__" and child.content.isidentifier()
            parts.append(f"__{child.content}__" if name else child.content)
        strong = child.markup if child.type == "strong_open" else ""
    return " ".join("".join(parts).replace("\u2019", "'").split())
