"""Normalised words: two texts about the same thing share most of their terms."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from langgraph_fusion.models.offline.stop_words import QUESTION_WORDS, STOP_WORDS

WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:['\u2019][^\W\d_]{1,2}\b)?")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_URL = re.compile(r"\w+://[^\s)>\]]+")
_NEGATION = re.compile(
    r"\b(?:not(?! only)|never|cannot|without|neither|nor|no)\b|n['\u2019]t\b", re.I
)
_NEWS = 0.3
_VOWEL = re.compile(r"[aeiouy]")
_SUFFIXES = (
    ("ization", 4), ("isation", 4), ("ation", 4), ("ement", 4), ("ment", 5), ("ance", 5),
    ("ence", 5), ("able", 4), ("ness", 4), ("ing", 3), ("ion", 4), ("ity", 4), ("ed", 3),
    ("er", 5), ("ly", 4), ("e", 3),
)  # fmt: skip


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Reduce an English word to a stem; other scripts only lose case and accents."""
    plain = _fold(word.lower().replace("\u2019", "'").removesuffix("'s"))
    if len(plain) <= 3 or not plain.isascii() or not plain.isalpha():
        return plain
    plain = _singular(plain)
    for suffix, shortest in _SUFFIXES:
        rest = plain.removesuffix(suffix)
        if rest != plain and len(rest) >= shortest and _VOWEL.search(rest):
            return _undouble(rest.removesuffix("e") if len(rest) > 3 else rest)
    return plain[:-1] + "i" if plain.endswith("y") else plain


@lru_cache(maxsize=1 << 14)
def terms(text: str) -> frozenset[str]:
    """Return the stems of the words of `text` that carry a topic, numbers included."""
    return frozenset(term_list(text))


def term_list(text: str) -> list[str]:
    """Return the stems of the topical words in their order."""
    found: list[str] = []
    for word in WORD.findall(_URL.sub(" ", text) if "://" in text else text):
        if _UNSPACED.search(word):
            found += _bigrams(word)
        elif is_topical(word):
            found.append(stem(word))
    return found


def is_topical(word: str) -> bool:
    """Tell whether a word is neither a stop word nor a lone letter."""
    lower = word.lower().replace("\u2019", "'")
    return lower not in STOP_WORDS and (len(lower) > 1 or lower.isdigit())


def is_question_word(word: str) -> bool:
    """Tell whether a word is one that questions use to ask."""
    lower = word.lower()
    return lower in QUESTION_WORDS or lower.removesuffix("s") in QUESTION_WORDS


def overlap(left: frozenset[str], right: frozenset[str]) -> float:
    """Return the Jaccard similarity, 0 to 1."""
    if not left or not right:
        return 0.0
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


@lru_cache(maxsize=1 << 14)
def is_negated(text: str) -> bool:
    """Tell whether a sentence denies something; two negations cancel out."""
    return len(_NEGATION.findall(text)) % 2 == 1


def likeness(left: str, right: str) -> float:
    """Return how much two sentences say the same, 0 to 1; another number or a negation is news."""
    ours, theirs = terms(left), terms(right)
    if overlap(ours, theirs) <= _NEWS and not (ours <= theirs or theirs <= ours):
        return overlap(ours, theirs)
    if ours == theirs and is_negated(left) == is_negated(right):
        return 1.0
    if _numbers(ours) != _numbers(theirs) or is_negated(left) != is_negated(right):
        return min(_NEWS, overlap(ours, theirs))
    if min(len(ours), len(theirs)) > 4 and (ours <= theirs or theirs <= ours):
        return 1.0
    return overlap(ours, theirs)


def _numbers(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words if word[0].isdigit())


def _fold(word: str) -> str:
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _undouble(word: str) -> str:
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeioulsz":
        return word[:-1]
    return word[:-1] + "i" if word.endswith("y") else word


def _bigrams(word: str) -> list[str]:
    return [word[at : at + 2] for at in range(len(word) - 1)] or [word]
