"""What a search asks for: words, literal phrases, and words of one field."""

import re
from dataclasses import dataclass

from langgraph_fusion.tools.docs_index.unspaced import run_pairs, runs, without_unspaced

_MAX_WORDS = 40
_PHRASE = re.compile(r'(?:\b(title|heading|path):)?"([^"]{1,300})"', re.I)
_FIELD = re.compile(r"\b(title|heading|path):(\S{1,300})", re.I)
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Query:
    """A search, in the terms of SQLite's FTS5; what is empty asks for nothing."""

    words: str = ""
    """Matches the table of words."""
    pairs: str = ""
    """Matches the table of pairs of unspaced characters."""
    path: str = ""
    """Must be in the document's path, in any case of letters."""
    needed: tuple[str, ...] = ()
    """Must be in the passage as they stand, in any case of letters and with any white space."""


def parse_query(text: str) -> Query:
    """Read any text as a search; what is no phrase and no field is words, signs mean nothing.

    `"so and so"` must be in the passage, `title:` and `heading:` look there only, `path:` keeps to
    documents whose path holds that.
    """
    fielded: list[str] = []
    needed: list[str] = []
    path = ""
    for pattern in (_PHRASE, _FIELD):
        for found in pattern.finditer(text):
            field, value = (found[1] or "").lower(), found[2]
            if field == "path":
                path = value
            elif field:
                fielded += [f'{field} : "{" ".join(words)}"'] if (words := _words(value)) else []
            else:
                needed.append(" ".join(value.casefold().split()))
        text = pattern.sub(lambda found: " " if found[1] else f" {found[2]} ", text)
    return Query(_words_query(fielded, text), _pairs_query(text), path, tuple(needed))


def _words_query(fielded: list[str], text: str) -> str:
    words = " OR ".join(f'"{word}"' for word in _words(text))
    if not fielded:
        return words
    within = " AND ".join(fielded)
    # Without the field nothing is found; the other words only rank.
    return f"({within}) AND ({within} OR {words})" if words else within


def _pairs_query(text: str) -> str:
    found = [pair for run in runs(text) for pair in _pair_terms(run)]
    return " OR ".join(list(dict.fromkeys(found))[: 4 * _MAX_WORDS])


def _pair_terms(run: str) -> list[str]:
    """The pairs of a run; a single character is the beginning of a pair, or the end of a run."""
    return [f'"{run}"*'] if len(run) == 1 else [f'"{pair}"' for pair in list(run_pairs(run))[:-1]]


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(_WORD.findall(without_unspaced(text))))[:_MAX_WORDS]
