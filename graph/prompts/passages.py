"""What of a source goes into a prompt: for each claim that cites it, the passage that speaks of it.

Found by words, not by meaning: a passage that says the same in other words may be passed over.
"""

from langgraph_fusion.graph.citations import cited_ids
from langgraph_fusion.graph.prompts.tags import tag
from langgraph_fusion.tools.closeness import (
    PARTED,
    closest_passages,
    closest_sentence,
    sentences_of,
)
from langgraph_fusion.tools.formatting import brief_title, displayed
from langgraph_fusion.tools.sources import Source

__all__ = ["cited_passages", "claims_on", "closest_passages", "passages_room", "source_block"]

CITED_CHARS = 400
"""Shown of a source that one claim cites; each further claim gets half as much in addition."""
MOST_CHARS = 3000
"""Shown of one source at most."""


def source_block(
    source: Source,
    shown: str,
    *,
    title: str | None = None,
    url: str | None = None,
    whole: int | None = None,
    more: str = "",
) -> str:
    """A source as judge, writer and member are shown it, and how much of it is left out.

    `title` and `url` take the place of its own, an empty one is left out. `whole` is how much
    counts as shown, `more` says where the rest of it is.
    """
    size = len(shown) if whole is None else whole
    shown = displayed(source, shown)
    if size < len(source.text):
        shown += f"\n(of {len(source.text)} characters)"
    return tag(
        "source",
        shown + more,
        id=source.id,
        title=brief_title(source.title if title is None else title) or None,
        url=(source.url if url is None else url) or None,
        same_as=source.same_as or None,
    )


def claims_on(source: Source, answer: str) -> list[str]:
    """The sentences of an answer that cite a source."""
    return [one for one in sentences_of(answer) if source.id in cited_ids(one)]


def passages_room(claims: int, least: int = CITED_CHARS) -> int:
    """Characters that a source gets which so many claims cite; `least` is what one claim gets."""
    if not least:
        return 0
    return min(max(least, MOST_CHARS), least + least // 2 * max(0, claims - 1))


def cited_passages(source: Source, answer: str, least: int = CITED_CHARS) -> str:
    """The passages around what the answer's claims cite the source for, in the source's order.

    Claim by claim the closest sentence is taken, whatever room it takes up to `MOST_CHARS`, with
    its neighbours as far as there is room.
    """
    claims = claims_on(source, answer)
    room = passages_room(len(claims), least)
    if room:
        best = {closest_sentence(source.text, claim) or "" for claim in claims}
        room = min(MOST_CHARS, max(room, sum(len(one) + len(PARTED) for one in best)))
    return closest_passages(source.text, claims or [answer], room)
