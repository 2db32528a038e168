"""Scripts without spaces between words (Chinese, Japanese, Thai …), made findable by their parts.

A run of such characters is indexed as all its pairs, as Lucene's CJK analyser does: most words of
these languages have two characters, which is too short for trigrams.
"""

import re
from collections.abc import Iterator

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u0fff"  # Tibetan
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b"  # Han: radicals, numerals
    "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese syllables
    "\u3100-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uac00-\ud7a3"  # Korean has spaces, but its words carry their particles
)
_RUN = re.compile(f"[{_UNSPACED}]+")


def has_unspaced(text: str) -> bool:
    """Whether there is anything in it that needs pairs."""
    return _RUN.search(text) is not None


def spaced(text: str) -> str:
    """The text with every run apart from what it touches, so that `2023年` is found by `2023`."""
    return _RUN.sub(lambda run: f" {run[0]} ", text)


def without_unspaced(text: str) -> str:
    """The words of other scripts."""
    return _RUN.sub(" ", text)


def pairs(text: str) -> str:
    """The pairs of every run, with spaces between them; a single character stays as it is."""
    return " ".join(pair for run in _RUN.findall(text) for pair in run_pairs(run))


def runs(text: str) -> list[str]:
    """The runs of unspaced characters."""
    return _RUN.findall(text)


def run_pairs(run: str) -> Iterator[str]:
    """Each two neighbours, and the last character alone, by which one character is found."""
    yield from (run[at : at + 2] for at in range(len(run) - 1))
    yield run[-1]
