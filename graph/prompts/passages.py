"""What of a source goes into a prompt: for each claim that cites it, the passage that speaks of it.

Found by words, not by meaning: a passage that says the same in other words may be passed over.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from langgraph_fusion.graph.citations import cited_ids
from langgraph_fusion.graph.prompts.tags import tag
from langgraph_fusion.tools.sources import Source

CITED_CHARS = 1500
"""Shown of a source that one claim cites."""
CLAIM_CHARS = 600
"""Shown in addition for each further claim."""
MOST_CHARS = 6000
"""Shown of one source at most."""
_WORD = re.compile(r"\w+", re.UNICODE)
_SENTENCE = re.compile(r"[^\n]+?(?:[.!?…](?=\s)|(?=\n)|\Z)", re.UNICODE)
_FIGURE_WEIGHT = 3.0
"""Figures are what is checked."""

Span = tuple[int, int]


def source_block(source: Source, shown: str) -> str:
    """A source as judge, writer and member are shown it, and how much of it is left out."""
    if len(shown) < len(source.text):
        shown += f"\n({len(shown)} of {len(source.text)} characters shown)"
    given = {"title": source.title, "url": source.url or None, "same_as": source.same_as or None}
    return tag("source", shown, id=source.id, **given)


def claims_on(source: Source, answer: str) -> list[str]:
    """The sentences of an answer that cite a source."""
    sentences = (found.group() for found in _SENTENCE.finditer(answer))
    return [one for one in sentences if source.id in cited_ids(one)]


def passages_room(claims: int, least: int = CITED_CHARS) -> int:
    """Characters that a source gets which so many claims cite; `least` is what one claim gets."""
    if not least:
        return 0
    return min(max(least, MOST_CHARS), least + CLAIM_CHARS * max(0, claims - 1))


def cited_passages(source: Source, answer: str, least: int = CITED_CHARS) -> str:
    """The passages around what the answer's claims cite the source for, in the source's order.

    Claim by claim the closest sentence is taken, with its neighbours as far as there is room.
    """
    claims = claims_on(source, answer)
    return closest_passages(source.text, claims or [answer], passages_room(len(claims), least))


def closest_passages(text: str, claims: Sequence[str], room: int) -> str:
    """The sentences of a text that are closest to the claims, with those beside them, in order.

    Stretches that do not follow each other are parted by `…`; at most `room` characters.
    """
    if not room or len(text) <= room:
        return text[:room]
    sentences = [found.span() for found in _SENTENCE.finditer(text) if found.group().strip()]
    kept = _kept(text, sentences, claims, room)
    shown = " … ".join(text[begin:end].strip() for begin, end in _joined(text, sentences, kept))
    return shown if len(shown) <= room else shown[: max(0, shown.rfind(" ", 0, room + 1))]


def _kept(text: str, sentences: Sequence[Span], claims: Sequence[str], room: int) -> set[int]:
    """Numbers of the sentences to show: the best for each claim, then what stands beside them."""
    words = [_words(text[begin:end]) for begin, end in sentences]
    rarity = _rarity(words)
    ranked = [_ranked(words, _words(claim), rarity) for claim in claims]
    kept: set[int] = set()
    for number in _in_turn(ranked):
        begin, end = sentences[number]
        if number in kept:
            continue
        if end - begin + 3 > room and kept:
            break
        kept.add(number)
        room -= end - begin + 3
    return kept


def _in_turn(ranked: Sequence[Sequence[int]]) -> Iterator[int]:
    """Every claim's best sentence and those beside it, then the second best of each, and so on."""
    for place in range(max(map(len, ranked), default=0)):
        for numbers in ranked:
            if place < len(numbers):
                yield numbers[place]
        if place == 0:
            for numbers in ranked:
                yield from (n for n in (numbers[0] + 1, numbers[0] - 1) if 0 <= n < len(numbers))


def _ranked(words: Sequence[set[str]], claim: set[str], rarity: dict[str, float]) -> list[int]:
    def closeness(number: int) -> float:
        shared = words[number] & claim
        return sum(rarity[word] for word in shared) / math.sqrt(4 + len(words[number]))

    return sorted(range(len(words)), key=lambda number: (-closeness(number), number))


def _rarity(words: Sequence[set[str]]) -> dict[str, float]:
    """Weight of a word: the rarer in the source, the more; figures more than words."""
    counts = Counter(word for sentence in words for word in sentence)
    return {
        word: (_FIGURE_WEIGHT if word[0].isdigit() else 1.0) * math.log(1 + len(words) / count)
        for word, count in counts.items()
    }


def _joined(text: str, sentences: Sequence[Span], kept: set[int]) -> list[Span]:
    """Neighbours as one stretch of the source's own text."""
    spans: list[Span] = []
    for number in sorted(kept):
        begin, end = sentences[number]
        if spans and number - 1 in kept:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((begin, end))
    return spans


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.lower()) if len(word) > 2 or word[0].isdigit()}
