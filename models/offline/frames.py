"""Two sentences with the same words around one place where they name something else."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from langgraph_fusion.models.offline.words import is_topical, stem

_WORD = re.compile(r"[^\W_]+(?:[.,'\u2019-][^\W_]+)*|[^\w\s]")
_OPEN_CHOICE = frozenset(
    {
        "also",
        "can",
        "could",
        "may",
        "might",
        "or",
        "some",
        "another",
        "other",
        "either",
        "like",
        "e.g",
    }
    | {"support", "supports", "include", "includes", "including", "such", "example", "offers"}
    | {"provides", "uses", "use", "with", "and"}
)
"""Words before a place that several names can fill."""
_MOST_WORDS = 80
_MOST_REPLACED = 6
_FEWEST_SHARED = 3
_ONE_OF_ITS_KIND = frozenset(
    {
        "is",
        "was",
        "are",
        "were",
        "by",
        "in",
        "as",
        "born",
        "located",
        "called",
        "named",
        "default",
        "defaults",
        "the",
        "band",
        "first",
    }
)
"""Words before a place that only one name can fill."""


def other_name_in_the_same_place(left: str, right: str) -> bool:
    """Tell whether the sentences differ only by a name or number after the same subject."""
    ours, theirs = _words(left), _words(right)
    changes = _changes(ours, theirs)
    if not changes or len({(a.lower(), b.lower()) for a, b, _ in changes}) > 1:
        return False
    return all(_is_name(a) and _is_name(b) for a, b, _ in changes) and _framed(ours, changes)


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text)][:_MOST_WORDS]


def _changes(ours: list[str], theirs: list[str]) -> list[tuple[str, str, int]]:
    """Return what stands for what, and where; empty if more than replacements differ."""
    matcher = SequenceMatcher(
        None, [word.lower() for word in ours], [word.lower() for word in theirs], autojunk=False
    )
    changes: list[tuple[str, str, int]] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "replace" and max(b - a, d - c) <= _MOST_REPLACED:
            changes.append((" ".join(ours[a:b]), " ".join(theirs[c:d]), a))
        elif kind != "equal" and any(_counts(word) for word in ours[a:b] + theirs[c:d]):
            return []
    return changes


def _counts(word: str) -> bool:
    return word[0].isalnum() and is_topical(word)


def _is_name(text: str) -> bool:
    return any(word[0].isupper() or word[0].isdigit() for word in text.split())


def _framed(ours: list[str], changes: list[tuple[str, str, int]]) -> bool:
    """Tell whether a subject both share comes first and a word that asks for one name precedes."""
    replaced = {stem(word) for text, _, _ in changes for word in text.split()}
    shared = {stem(word) for word in ours if _counts(word)} - replaced
    subject = [word for word in ours[: changes[0][2]] if _counts(word)]
    cue = {word.lower() for _, _, at in changes for word in ours[max(0, at - 3) : at]}
    asked = bool(cue & _ONE_OF_ITS_KIND) and not cue & _OPEN_CHOICE
    return len(shared) >= _FEWEST_SHARED and bool(subject) and asked
