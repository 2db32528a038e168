"""Which sentences of a text speak of what is asked or claimed.

Found by words, not by meaning: a passage that says the same in other words may be passed over.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"\w+", re.UNICODE)
_SENTENCE = re.compile(r"[^\n]+?(?:[.!?…](?=\s)|(?=\n)|\Z)", re.UNICODE)
_FIGURE_WEIGHT = 3.0
"""Figures are what is checked."""

PARTED = " … "
"""Between stretches of a text that do not follow each other."""

Span = tuple[int, int]


def closest_passages(text: str, claims: Sequence[str], room: int) -> str:
    """The sentences of a text that are closest to the claims, with those beside them, in order.

    Stretches that do not follow each other are parted by `…`; at most `room` characters.
    """
    if not room or len(text) <= room:
        return text[:room]
    sentences = [found.span() for found in _SENTENCE.finditer(text) if found.group().strip()]
    kept = _kept(text, sentences, claims, room)
    shown = PARTED.join(text[begin:end].strip() for begin, end in _joined(text, sentences, kept))
    return shown if len(shown) <= room else shown[: max(0, shown.rfind(" ", 0, room + 1))]


def closest_lines(lines: Sequence[str], claims: Sequence[str], room: int) -> set[int]:
    """Places of the lines that are closest to the claims, with those beside them.

    At most `room` characters, or one line.
    """
    if sum(len(line) + 1 for line in lines) <= room + 1:
        return set(range(len(lines)))
    text, at = "\n".join(lines), 0
    spans = list[Span]()
    for line in lines:
        spans.append((at, at + len(line)))
        at += len(line) + 1
    filled = [number for number, line in enumerate(lines) if line.strip()]
    kept = _kept(text, [spans[number] for number in filled], claims, room)
    return {filled[number] for number in kept}


def sentences_of(text: str) -> list[str]:
    """The sentences of a text; a line ends one as well."""
    return [found.group().strip() for found in _SENTENCE.finditer(text) if found.group().strip()]


def closest_sentence(text: str, claim: str) -> str | None:
    """The sentence of a text that is closest to a claim; None if none shares a word with it."""
    sentences, wanted = sentences_of(text), _words(claim)
    words = [_words(one) for one in sentences]
    if not any(one & wanted for one in words):
        return None
    return sentences[_ranked(words, wanted, _rarity(words))[0]]


def closest_first(texts: Sequence[str], wanted: str) -> list[int]:
    """Places of the texts, the one closest to what is wanted first; without those that share no
    word with it.
    """
    words, asked = [_words(one) for one in texts], _words(wanted)
    return [at for at in _ranked(words, asked, _rarity(words)) if words[at] & asked]


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
        if end - begin + len(PARTED) > room and kept:
            continue
        kept.add(number)
        room -= end - begin + len(PARTED)
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
