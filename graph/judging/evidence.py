"""Format answers and their evidence for judge and writer: what fits, and how much is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from langgraph_fusion.graph.prompts.passages import CITED_CHARS, cited_passages
from langgraph_fusion.graph.prompts.shown import ShownPassages
from langgraph_fusion.graph.prompts.tags import blocks, tag
from langgraph_fusion.graph.records import MemberAnswer
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import FusionState
from langgraph_fusion.tools.sources import Source


@dataclass(frozen=True)
class EvidenceLimits:
    """How much of the panel's work a prompt has room for."""

    cited_chars: int = CITED_CHARS
    """Shown of a source that one claim of an answer cites; further claims get it more."""
    answer_chars: int | None = None
    """Shown of an answer; None shows all of it."""

    def fits(self, text: str) -> str:
        """As much of an answer as there is room for."""
        if self.answer_chars is None or len(text) <= self.answer_chars:
            return text
        return f"{text[: self.answer_chars]}\n({self.answer_chars} of {len(text)} characters shown)"


LIMITS_IN_STEPS = (
    EvidenceLimits(250),
    EvidenceLimits(150),
    EvidenceLimits(0, 8000),
    EvidenceLimits(0, 2000),
)
"""From all that is worth showing to the least that can be judged; the steps are ours."""
WRITERS_LIMITS_IN_STEPS = (EvidenceLimits(600), *LIMITS_IN_STEPS)
"""The writer puts claims together anew, so it needs more around what each answer cites."""


def answer_blocks(
    state: FusionState,
    order: Sequence[str],
    limits: EvidenceLimits,
    seen: ShownPassages | None = None,
) -> str:
    """Answers with their evidence in the given order of seats, then who failed and why.

    `seen` are the passages that the prompt holds already; those that are added come to it.
    """
    answers = latest(state, round=0)
    shown = [answers[letter] for letter in order if letter in answers]
    seen = seen or ShownPassages()
    parts = [_answer(state, one, limits, seen) for one in shown if one.text]
    parts += [
        tag("failed", one.error.reason if one.error else "no answer", seat=one.seat)
        for one in shown
        if not one.text
    ]
    return "\n\n".join(parts)


def seat_records(run: Run, state: FusionState) -> str:
    """What each seat had to work with and how it fared, a line each."""
    lines = (_record(run, one) for one in latest(state, state["round"]).values())
    return tag("seats", "\n".join(lines))


def sources_shown(state: FusionState) -> frozenset[str]:
    """Ids of the sources that stand in evidence: what answers cite of what their authors saw."""
    known, answers = state["sources"], state["answers"]
    return frozenset(
        id for one in answers for id in one["cited"] if id in known and id in one["shown"]
    )


def follow_up_blocks(
    state: FusionState,
    limits: EvidenceLimits,
    round: int | None = None,
    seen: ShownPassages | None = None,
) -> str:
    """Follow-up answers of a round, or all, with evidence, question and the id it is about.

    `seen` are the passages that the prompt holds already.
    """
    asked = {one["id"]: one for one in state["follow_ups"]}
    later = [MemberAnswer(**one) for one in state["answers"] if one["round"]]
    later = [one for one in later if round in (None, one.round)]
    seen = seen or ShownPassages()
    parts = []
    for one in later:
        questions = [asked[id] for id in one.asked if id in asked]
        parts.append(
            tag(
                "follow_up",
                limits.fits(one.text) or _no_answer(one),
                id=", ".join(one.asked),
                seat=one.seat,
                status=one.status,
                question=" | ".join(each["question"] for each in questions),
                about=", ".join(each["about"] for each in questions),
            )
        )
        if one.text:
            parts.append(_evidence(state, one, limits, seen))
    return "\n\n".join(parts)


def _no_answer(one: MemberAnswer) -> str:
    return f"(no answer: {one.error.reason if one.error else 'empty'})"


def latest(state: FusionState, round: int) -> dict[str, MemberAnswer]:
    """The answers of one round by seat."""
    return {one["seat"]: MemberAnswer(**one) for one in state["answers"] if one["round"] == round}


def _record(run: Run, one: MemberAnswer) -> str:
    tools = ", ".join(run.tools_of(one.seat))
    said = [f"tools {tools}" if tools and not one.without_tools else "no tools"]
    if one.tool_calls:
        said.append(f"{one.tool_calls} tool calls, {one.tool_errors} failed")
    said.append("wrote to the end" if one.status == "ok" else one.status)
    if one.cut_short:
        said.append(f"research cut short by {one.cut_short.replace('_', ' ')}")
    if one.truncated:
        said.append("text cut off at the output limit")
    if one.error:
        said.append(f"error: {one.error.reason}")
    return f"{one.seat}: {'; '.join(said)}"


def _answer(
    state: FusionState, one: MemberAnswer, limits: EvidenceLimits, seen: ShownPassages
) -> str:
    status = "truncated" if one.truncated else one.status
    shown = tag("answer", limits.fits(one.text), seat=one.seat, status=status)
    return f"{shown}\n{_evidence(state, one, limits, seen)}"


def _evidence(
    state: FusionState, one: MemberAnswer, limits: EvidenceLimits, seen: ShownPassages
) -> str:
    """What its author had been shown by then: a later round leaves these blocks as they are."""
    known = state["sources"]
    shown = {id: Source(**known[id]) for id in one.shown if id in known}
    cited = [shown[id] for id in one.cited if id in shown]  # an id of another seat is made up
    parts = [seen.block(each, cited_passages(each, one.text, limits.cited_chars)) for each in cited]
    if rest := len(shown) - len(cited):
        parts.append(f"({rest} more {'source was' if rest == 1 else 'sources were'} not cited.)")
    return blocks("evidence", "\n".join(parts) or "(none)", seat=one.seat)
