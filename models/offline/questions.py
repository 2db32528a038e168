"""What a question asks about: its aspects, and the search queries they make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from langgraph_fusion.models.offline.arithmetic import without_arithmetic
from langgraph_fusion.models.offline.words import is_question_word, is_topical, term_list

_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{2,80})[\"”“»]|`([^`]{2,80})`")
_CHUNK_WORD = re.compile(r"[^\s,;:.?!()\[\]{}\"“”„«»]+|[,;:?!()\"“”«»]|\.(?=\s|$)")
_VERB_BEFORE = re.compile(
    r"^(?:to|can|could|i|you|we|they|should|will|would|must|may|does|do|did)$", re.I
)
_PART = re.compile(
    r"[?;]\s+|,?\s+and\s+(?=(?:what|how|why|when|which|who|where|whether|does|do|is|are|can)\b)",
    re.I,
)
_PRONOUN = re.compile(r"\b(?:it|its|they|their|them|this|these|that|those|he|she)\b", re.I)
_QUERY_TERMS = 10


@dataclass(frozen=True)
class Aspect:
    """A run of topical words of a question, or something it puts in quotes."""

    text: str
    terms: tuple[str, ...]
    named: bool = False
    """Quoted, capitalised inside the sentence, or an identifier."""


def aspects(question: str) -> list[Aspect]:
    """Return what the question asks about, quoted things first, each once."""
    question = without_arithmetic(question)
    quoted = [single or code for single, code in _QUOTED.findall(question)]
    found = [Aspect(text, tuple(term_list(text)), named=True) for text in quoted]
    found += [_aspect(chunk) for chunk in _chunks(_QUOTED.sub(" , ", question))]
    unique: dict[tuple[str, ...], Aspect] = {}
    for aspect in found:
        if aspect.terms:
            unique.setdefault(aspect.terms, aspect)
    return list(unique.values())


def content_words(question: str) -> list[str]:
    """Return the words worth searching for, in order, each once."""
    words = [word for chunk in aspects(question) for word in chunk.text.split()]
    topical = [word.strip("'\u2019`*_") for word in words if term_list(word)]
    return list(dict.fromkeys(topical))


def sub_questions(question: str) -> list[str]:
    """Split `What is A, and how does B work?` into its parts."""
    parts: list[str] = []
    for part in (part.strip() for part in _PART.split(without_arithmetic(question))):
        if parts and (len(term_list(part)) < 2 or _PRONOUN.search(part)):
            part = f"{parts[-1]} {part}"
        parts.append(part)
    return [part for part in parts if term_list(part)] or [question]


def topical_terms(question: str) -> list[str]:
    """Return the stems the question is about; words that only ask count if alone."""
    question = without_arithmetic(question)
    words = re.findall(r"[^\s?,.;:!\"'()]+", question)
    asking = {term for word in words if is_question_word(word) for term in term_list(word)}
    found = list(dict.fromkeys(term_list(question)))
    return [term for term in found if term not in asking] or found


def main_query(question: str) -> str:
    """Return one query with the question's content words."""
    return " ".join(content_words(question)[:_QUERY_TERMS]) or question.strip()[:100]


def narrow_queries(question: str, limit: int) -> list[str]:
    """Return one query per aspect; a lone word is joined by its neighbour to be narrow."""
    found = [aspect.text for aspect in aspects(question)]
    queries = [text if " " in text else _with_neighbour(found, at) for at, text in enumerate(found)]
    unique = list(dict.fromkeys(queries))
    return unique[:limit] or [main_query(question)]


def broader_query(question: str) -> str:
    """Return the two longest content words: what to try when a search found nothing."""
    words = sorted(content_words(question), key=lambda word: (-len(word), word))
    return " ".join(words[:2]) or question.strip()[:60]


def _chunks(question: str) -> Iterator[list[str]]:
    chunk: list[str] = []
    previous = ""
    for word in _CHUNK_WORD.findall(question):
        bare = word.strip("'\u2019*_/-—\u2013")
        verb = bool(_VERB_BEFORE.match(previous)) and is_question_word(bare)
        if not bare or verb or not _carries_topic(bare):
            yield chunk
            chunk = []
        else:
            chunk.append(bare)
        previous = word
    yield chunk


def _carries_topic(word: str) -> bool:
    if not term_list(word):
        return False
    return not is_question_word(word) and is_topical(word)


def _aspect(chunk: list[str]) -> Aspect:
    text = " ".join(chunk)
    named = any(word[1:] != word[1:].lower() or "_" in word for word in chunk) or any(
        word[:1].isupper() for word in chunk[1:]
    )
    return Aspect(text, tuple(dict.fromkeys(term_list(text))), named)


def _with_neighbour(texts: list[str], at: int) -> str:
    if len(texts) < 2:
        return texts[at]
    return f"{texts[at]} {texts[at + 1]}" if at == 0 else f"{texts[at - 1]} {texts[at]}"
