"""Names in prose: of people, places, laws, products and models, as they are written in any language
that capitalises them. Rules of thumb over letters; without a dictionary, so some are missed.
"""

import re
from collections.abc import Iterator

from langgraph_fusion.graph.citations import CITATIONS
from langgraph_fusion.models.markdown import split_code

_ADDRESS = re.compile(r"https?://\S+")
_SMALL = r"(?:of|the|de|del|der|den|van|von|du|la|le|di|da|and|for|&)"
_CAPITAL = r"(?:[A-Z]\.|[^\W\d_a-z][\w'\u2019.-]*\w)"
_SEVERAL = re.compile(rf"{_CAPITAL}(?:[ \u00a0](?:{_SMALL}[ \u00a0]){{0,2}}{_CAPITAL})+")
"""Two or more capitalised words side by side."""
_CODED = re.compile(
    r"(?<![\w/.-])(?=[A-Za-z\d.-]*\d)[A-Za-z][A-Za-z\d]*(?:[.-][A-Za-z\d]+)*(?![\w/])"
    r"|(?<![\w/.-])[A-Z]{3,6}(?![\w/-]|\.\w)"
)
"""Ids of models and products, and abbreviations: `gpt-5.5`, `ISO-9001`, `MI300`, `NVE`."""
_DECORATION = re.compile(r"[*_`#>|]+")
_GENITIVE = re.compile(r"(?:'|\u2019)s?(?=[\s.,;:)])")
"""Ends a name: `Jane Doe's GPT` are two."""
_CURRENCY = frozenset({
    "aud", "cad", "chf", "cny", "dkk", "eur", "gbp", "inr", "jpy", "nok", "sek", "usd",
})  # fmt: skip
_COMMON = frozenset({
    "a", "after", "all", "also", "an", "and", "any", "as", "at", "because", "before", "both",
    "but", "by", "during", "each", "for", "from", "he", "here", "how", "if", "in", "into", "it",
    "its", "less", "more", "most", "no", "not", "of", "on", "only", "or", "other", "over",
    "she", "so", "some", "such", "that", "the", "then", "there", "these", "they", "this",
    "those", "to", "under", "we", "what", "when", "where", "which", "while", "who", "why",
    "with",
})  # fmt: skip
"""Words that are capitalised only because a sentence begins with them."""


def names(text: str) -> set[str]:
    """The names of a text in lower case; headings, code, addresses and citations are left out."""
    prose = "".join(part for part, is_code in split_code(text) if not is_code)
    kept = "\n".join(line for line in prose.splitlines() if not line.lstrip().startswith("#"))
    plain = _DECORATION.sub("", CITATIONS.sub(" ", _ADDRESS.sub(" ", kept)))
    plain = _GENITIVE.sub(" \u00b7 ", plain)
    return {name for name in _found(plain) if name}


def holds_name(text: str, name: str) -> bool:
    """Whether a text in lower case holds a name; of several words the last may do, as in `Lee`."""
    *_, last = name.split()
    return _holds(text, name) or (" " in name and len(last) > 3 and _holds(text, last))


def _holds(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _found(text: str) -> Iterator[str]:
    for found in _SEVERAL.finditer(text):
        words = found.group().split()
        while words and words[0].lower().strip("'\u2019.") in _COMMON:
            words = words[1:]
        if len(words) > 1:
            yield " ".join(words).lower().rstrip(".")
    for found in _CODED.finditer(text):
        if found.group().lower() not in _CURRENCY:
            yield found.group().lower()
