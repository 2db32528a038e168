"""The note at the end of an answer that names what could not be verified."""

import re
from collections.abc import Iterable

from langgraph_fusion.graph.citations import CITATIONS
from langgraph_fusion.graph.result import Unverified

_CLAIM_CHARS = 120
"""Shown of the text before a made-up id."""


def claim_before(prose: str) -> str:
    """The end of the sentence that a made-up id stands behind."""
    sentence = re.split(r"(?<=[.!?])\s+|\n", CITATIONS.sub("", prose).rstrip())[-1]
    plain = " ".join(sentence.split()).lstrip("#>*+|- ")
    if len(plain) <= _CLAIM_CHARS:
        return plain
    return f"\u2026{plain[-_CLAIM_CHARS:].partition(' ')[2]}"


def unverified_notes(unverified: Iterable[Unverified]) -> str:
    """A line for each thing that could not be verified, once; empty if there is none."""
    return "\n".join(dict.fromkeys(f"- {_note(one)}" for one in unverified))


def escaped(text: str) -> str:
    """A text in which nothing is Markdown."""
    return re.sub(r"([\[\]<>*_`|\\])", r"\\\1", text)


def _note(one: Unverified) -> str:
    if one.kind == "unretrieved_url":
        return f"`{one.text.replace('`', '%60')}` was not retrieved in this run."
    about = f"\u201c{escaped(one.claim)}\u201d" if one.claim else "One statement"
    return f"{about} cites a source that this run does not have."
