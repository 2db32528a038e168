"""What of a source goes into a prompt: the passages closest to the sentences that cite it."""

import math
import re

from langgraph_fusion.graph.citations import cited_ids
from langgraph_fusion.graph.prompts.tags import tag
from langgraph_fusion.tools.sources import Source

CITED_CHARS = 1500
"""Shown of a source that an answer cites."""
_WORD = re.compile(r"\w+", re.UNICODE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def source_block(source: Source, text: str, limit: int) -> str:
    """A source as judge, writer and member are shown it: what fits, and how much is left out."""
    shown = text[:limit]
    if len(shown) < len(source.text):
        shown += f"\n({len(shown)} of {len(source.text)} characters shown)"
    same_as = source.same_as or None
    return tag("source", shown, id=source.id, title=source.title, url=source.url, same_as=same_as)


def cited_passages(source: Source, answer: str) -> str:
    """The sentences of a source closest to those that cite it, in their own order."""
    text, id = source.text, source.id
    if len(text) <= CITED_CHARS:
        return text
    citing = [one for one in _SENTENCE_END.split(answer) if id in cited_ids(one)]
    wanted = _words(" ".join(citing))
    sentences = [one for one in _SENTENCE_END.split(text) if one.strip()]
    ranked = sorted(range(len(sentences)), key=lambda n: -_closeness(sentences[n], wanted))
    kept: list[int] = []
    room = CITED_CHARS
    for number in ranked:
        room -= len(sentences[number]) + 3
        if room < 0 and kept:
            break
        kept.append(number)
    return " … ".join(sentences[number] for number in sorted(kept))


def _closeness(sentence: str, wanted: set[str]) -> float:
    """Shared words; numbers count three times, for they are what is checked."""
    shared = _words(sentence) & wanted
    weight = sum(3.0 if word[0].isdigit() else 1.0 for word in shared)
    return weight / math.sqrt(20 + len(sentence))


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.lower()) if len(word) > 3 or word[0].isdigit()}
