"""A member's answer: the sentences of its sources that cover the question, each cited."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from langgraph_fusion.models.offline.blocks import Source
from langgraph_fusion.models.offline.citations import cite, without_citations
from langgraph_fusion.models.offline.gaps import gaps
from langgraph_fusion.models.offline.markdown import read_sentences
from langgraph_fusion.models.offline.ranking import Candidate, Ranked, rank, select
from langgraph_fusion.models.offline.splitting import cut_long
from langgraph_fusion.models.offline.toolbox import document_of
from langgraph_fusion.models.offline.words import terms

FOUND = 0.3
"""Share of the question a sentence must cover to be quoted."""
DIRECT = 0.45
"""Below this the best sentence does not count as a direct answer."""
NOTHING_FOUND = "I found nothing about this in the sources I could search."
NOT_DIRECT = "I found no direct answer; the nearest passages say:"

_PARTIAL_START = re.compile(r"^(?:…|\.\.\.)\s*\S*\s+")
_ANAPHORA = re.compile(
    r"^(?:it|its|this|they|these|those|their|that|such|he|she|here|however|therefore|then|so|but|and|"
    r"both|also|otherwise|instead)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Draft:
    """Sentences chosen for a question, in reading order."""

    chosen: Sequence[Ranked]
    best: float
    """Score of the best sentence."""
    missing: Sequence[str]
    """Aspects of the question no sentence of the sources mentions."""


def draft(question: str, sources: Iterable[Source], limit: int, *, per_source: int = 99) -> Draft:
    """Choose up to `limit` sentences, then one for each aspect still uncovered."""
    candidates = read_candidates(sources)
    ranked = rank(question, candidates)
    best = ranked[0].score if ranked else 0.0
    floor = max(FOUND, DIRECT * best)
    chosen = select(ranked, limit, floor=floor, per_source=per_source)
    if chosen:
        chosen += _for_uncovered(question, ranked, chosen)
    missing = [gap.aspect.text for gap in gaps(question, _texts(candidates)) if gap.central]
    return Draft(_in_reading_order(_with_antecedents(chosen, candidates)), best, missing)


def read_candidates(sources: Iterable[Source]) -> list[Candidate]:
    """Split the sources into sentences; of overlapping passages each sentence counts once."""
    found: dict[str, Candidate] = {}
    for source in sources:
        for each in _candidates(source):
            found.setdefault(f"{document_of(source)} {each.text}", each)
    return list(found.values())


def _candidates(source: Source) -> Iterator[Candidate]:
    sentences = read_sentences(_without_fragments(source.text))
    parts = (
        (part, sentence)
        for sentence in sentences
        for part in cut_long(without_citations(sentence.text))
    )
    for at, (text, sentence) in enumerate(parts):
        context = f"{source.title} {sentence.heading} {sentence.lead}"
        yield Candidate(_capitalised(text), source.id, at, context, sentence.paragraph)


def write(drafted: Draft, *, bullets: bool = False) -> str:
    """Write the draft as Markdown, saying plainly what was not found."""
    if not drafted.chosen:
        return NOTHING_FOUND
    passages = [
        " ".join(cite(each.candidate.text, [source]) for each in group)
        for source, group in groupby(drafted.chosen, key=lambda each: each.candidate.source)
    ]
    if bullets and len(passages) > 1:
        passages = ["\n".join(f"- {passage}" for passage in passages)]
    lead = [NOT_DIRECT] if drafted.best < DIRECT else []
    named = ", ".join(f"“{text}”" for text in drafted.missing)
    last = [f"The sources I read do not mention {named}."] if named else []
    return "\n\n".join([*lead, *passages, *last])


def _without_fragments(text: str) -> str:
    return _PARTIAL_START.sub("", text.strip())


def _capitalised(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text[0].upper() + text[1:] if first.isalpha() and first.islower() else text


def _texts(candidates: Iterable[Candidate]) -> list[str]:
    return [f"{each.text} {each.context}" for each in candidates]


def _for_uncovered(
    question: str, ranked: Sequence[Ranked], chosen: Sequence[Ranked]
) -> list[Ranked]:
    added: list[Ranked] = []
    for gap in gaps(question, (each.candidate.text for each in chosen)):
        fitting = (each for each in ranked if gap.missing <= each.terms and each not in chosen)
        best = next(fitting, None)
        if best is not None and best.score >= FOUND / 2 and best not in added:
            added.append(best)
    return added[:2]


def _with_antecedents(chosen: Sequence[Ranked], candidates: Sequence[Candidate]) -> list[Ranked]:
    """Add the sentence before one that starts with `It` or `This` in the same paragraph."""
    places = {(each.source, each.order): each for each in candidates}
    taken = {(each.candidate.source, each.candidate.order) for each in chosen}
    added: list[Ranked] = []
    for each in chosen:
        own = each.candidate
        before = places.get((own.source, own.order - 1))
        if before is None or not _ANAPHORA.match(own.text) or before.paragraph != own.paragraph:
            continue
        if (before.source, before.order) not in taken:
            taken.add((before.source, before.order))
            added.append(Ranked(before, 0.0, terms(before.text)))
    return [*chosen, *added]


def _in_reading_order(chosen: Sequence[Ranked]) -> list[Ranked]:
    """Order by source, the best first, and inside a source as it was written."""
    strength: dict[str, float] = {}
    for each in chosen:
        source = each.candidate.source
        strength[source] = max(strength.get(source, 0.0), each.score)
    by_source = sorted(strength, key=lambda source: -strength[source])
    return sorted(
        chosen, key=lambda each: (by_source.index(each.candidate.source), each.candidate.order)
    )
