"""Answers to follow-up questions, each under its own id."""

from __future__ import annotations

from langgraph_fusion.models.offline.blocks import FollowUp
from langgraph_fusion.models.offline.drafting import Draft, draft, write
from langgraph_fusion.models.offline.questions import aspects
from langgraph_fusion.models.offline.transcript import Transcript
from langgraph_fusion.models.offline.words import terms

_SENTENCES = 3


def answer_follow_ups(transcript: Transcript) -> str:
    """Answer every follow-up under a line `F1:`, honestly when the documents do not say."""
    return "\n\n".join(f"{each.id}:\n{_answer(transcript, each)}" for each in transcript.follow_ups)


def _answer(transcript: Transcript, follow_up: FollowUp) -> str:
    found = draft(follow_up.text, transcript.sources.values(), _SENTENCES)
    focus = _focus(follow_up.text)
    chosen = [each for each in found.chosen if not focus or _touches(focus, each.terms)]
    if not chosen:
        return f"The documents I searched do not say{_about(follow_up.text)}."
    return write(Draft(chosen, 1.0, ()))


def _focus(question: str) -> list[frozenset[str]]:
    """Return the terms of what the question puts in quotes."""
    return [terms(aspect.text) for aspect in aspects(question) if f"“{aspect.text}”" in question]


def _touches(focus: list[frozenset[str]], said: frozenset[str]) -> bool:
    return any(3 * len(each & said) >= 2 * len(each) for each in focus)


def _about(question: str) -> str:
    quoted = [aspect.text for aspect in aspects(question) if f"“{aspect.text}”" in question]
    return f" anything about “{quoted[0]}”" if quoted else ""
