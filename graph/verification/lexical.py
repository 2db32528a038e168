"""A verdict without a model: how many of a claim's words and figures stand in the passages.

A baseline to hold a model's verdicts against. It knows no meaning: a denial in the same words
counts as support, the same thing in other words as missing. docs/quality.md has its error.
"""

import re

from langgraph_fusion.graph.records import Verdict
from langgraph_fusion.graph.writing.coverage import figures

SUPPORTED, PARTLY = 0.7, 0.4
"""Share of the claim's words that must stand in the passages; chosen on the 36 rows of WiCE by
which it is measured, so expect less elsewhere."""
_TOKEN = re.compile(r"\w+")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")
_STEM = 5
_COMMON = frozenset({
    "about", "after", "also", "among", "been", "before", "being", "between", "both", "could",
    "does", "each", "from", "have", "into", "itself", "more", "most", "much", "only", "other",
    "over", "same", "some", "such", "than", "that", "their", "them", "then", "there", "these",
    "they", "this", "those", "through", "under", "until", "very", "were", "what", "when",
    "where", "which", "while", "will", "with", "would",
})  # fmt: skip


def lexical_verdict(claim: str, passages: str) -> Verdict:
    """Whether the passages hold the claim's words, and all of its figures."""
    wanted, given = _stems(claim), _stems(passages)
    share = len(wanted & given) / len(wanted) if wanted else 0.0
    numbers = figures(claim)
    if share >= SUPPORTED and numbers <= figures(passages):
        return "supported"
    return "partly" if share >= PARTLY else "not_found"


def _stems(text: str) -> set[str]:
    """Words of four letters and more by their beginnings; scripts without spaces by pairs."""
    found = set[str]()
    for token in _TOKEN.findall(text.lower()):
        for run in _WIDE.findall(token):
            found |= {run[at : at + 2] for at in range(max(1, len(run) - 1))}
        bare = _WIDE.sub("", token)
        if len(bare) > 3 and not bare.isdigit() and bare not in _COMMON:
            found.add(bare[:_STEM])
    return found
