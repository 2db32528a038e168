"""Everything a judge or writer is shown, read from its human message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from langgraph_fusion.models.offline.blocks import (
    FollowUp,
    Source,
    block_text,
    blocks,
    follow_ups,
    json_block,
    sources,
)
from langgraph_fusion.models.offline.claims import Claim, read_claims


@dataclass
class Case:
    question: str
    answers: dict[str, str] = field(default_factory=dict[str, str])
    partial: set[str] = field(default_factory=set[str])
    evidence: dict[str, list[Source]] = field(default_factory=dict[str, list[Source]])
    analysis: dict[str, Any] = field(default_factory=dict[str, Any])
    """The analysis so far (for a judge) or the final one (for a writer); empty if there is none."""
    follow_ups: list[FollowUp] = field(default_factory=list[FollowUp])

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Every source that was shown, by id; excerpts of the same source are put together."""
        merged: dict[str, Source] = {}
        for source in (each for shown in self.evidence.values() for each in shown):
            known = merged.get(source.id)
            text = f"{known.text}\n\n{source.text}" if known else source.text
            merged[source.id] = replace(source, text=text)
        return merged

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the sources: how rare a word is shows in them."""
        texts = (source.text for source in self.sources.values())
        return [line for text in texts for line in text.split("\n") if line.strip()]

    @cached_property
    def claims(self) -> list[Claim]:
        """The sentences of all answers in seat order, so that the shuffling has no effect."""
        return [
            claim
            for seat in sorted(self.answers)
            for claim in read_claims(seat, self.answers[seat])
        ]

    @cached_property
    def statements(self) -> list[Claim]:
        """Those that claim something about the world."""
        return [claim for claim in self.claims if claim.is_statement]

    def shown(self, ids: Sequence[str]) -> list[str]:
        """Return those of the ids that were shown."""
        return [each for each in ids if each in self.sources]


def read_case(messages: Sequence[BaseMessage]) -> Case:
    """Read the last human message with answers; whatever is missing or broken stays empty."""
    humans = [message for message in messages if isinstance(message, HumanMessage)]
    texts = [str(message.text) for message in humans]
    shown = [text for text in texts if "<answer" in text or "<analysis" in text]
    text = (shown or texts or [""])[-1]
    case = Case(block_text(text, "question"))
    for block in blocks(text, "answer"):
        seat = block.attributes.get("seat", "")
        if seat and block.text.strip():
            case.answers[seat] = block.text
            case.partial |= {seat} if block.attributes.get("status") == "partial" else set()
    for block in blocks(text, "evidence"):
        case.evidence.setdefault(block.attributes.get("seat", ""), []).extend(sources(block.text))
    case.analysis = json_block(text, "earlier_analysis") or json_block(text, "analysis")
    case.follow_ups = follow_ups(text)
    return case
