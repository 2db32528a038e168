"""Texts that repeat a few characters are read in linear time; else this file would never end.

A pattern that looks at the rest of a run of spaces from each of its characters takes minutes for a
question or an answer of that size, and Python's other threads wait for it.
"""

from collections.abc import Callable

import pytest

from langgraph_fusion.graph.verification.claims import cited_claims
from langgraph_fusion.graph.writing.check import checked_answer
from langgraph_fusion.graph.writing.coverage import figures, parts_treated
from langgraph_fusion.graph.writing.lost import _figures as figures_below_headings
from langgraph_fusion.models.offline.ranking import parts
from langgraph_fusion.models.offline.text import split_sentences
from langgraph_fusion.models.tool_markup import strip_tool_markup
from langgraph_fusion.tools.formatting import escape_text
from langgraph_fusion.tools.sources import Sources

CHARS = 20_000
REPEATED = (
    *(" ", "\t", "\n", ".", ".\n", "。", "a.", "?", ",", ", ", "1", "1. \n", "# ", "#\n", "#", "*"),
    *("**a", "<", "< ", "</", "&", "[", "[]", "[A1] ", "[A1]", "((", "](", "`", "|", "|a", "-"),
    *("- ", "_", '"', "www.", "http://a", "and ", "x", "\\", "{", "[TOOL_CALLS]", "• ", " •"),
)  # fmt: skip
BEGINNINGS = ("", "It is 4.5 [A1]", "# ", "<", "[TOOL_CALLS]x", "What is A")
READ: dict[str, Callable[[str], object]] = {
    "tags": escape_text,
    "figures": figures,
    "figures below headings": figures_below_headings,
    "parts of a question": lambda text: parts_treated(text, "It is 42."),
    "citations": lambda text: checked_answer(text, Sources()),
    "claims": lambda text: list(cited_claims(text)),
    "markup": strip_tool_markup,
    "offline question": parts,
    "offline sentences": lambda text: list(split_sentences(text)),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_a_text_of_a_few_characters_again_and_again_is_soon_read(
    read: Callable[[str], object],
) -> None:
    for repeated in REPEATED:
        for begins in BEGINNINGS:
            read(f"{begins}{repeated * (CHARS // len(repeated))}\x01 y")
