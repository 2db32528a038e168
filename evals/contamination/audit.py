"""Look through what a finished run left for signs that a rubric was met.

The tools' guard saw each text before a member did. The audit sees everything afterwards: what was
dropped, what members were shown, what they wrote, what the judge and the writer made of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from langgraph_fusion.evals.contamination.content_guard import STRICT, ContentGuard, ContentRule
from langgraph_fusion.evals.contamination.exclude import exclude_for
from langgraph_fusion.evals.contamination.markers import find_markers
from langgraph_fusion.evals.records import (
    Answer,
    ArmResult,
    Mark,
    Outcome,
    Record,
    StoredResult,
    Task,
    Trace,
)
from langgraph_fusion.evals.statistics.estimates import MeanEstimate, estimate_mean
from langgraph_fusion.evals.strings import strings_in
from langgraph_fusion.tools.exclude import Dropped, Exclusion


class Place(NamedTuple):
    """A text of a run, and where it stood."""

    where: str
    text: str
    url: str | None = None


class ArmAudit(Record):
    """What was found in one arm."""

    arm: str
    tasks: int
    marked: tuple[str, ...]
    """Tasks with a mark that is no drop: something may have been met."""
    dropped: int
    """Texts and addresses that were kept from members."""
    marks: dict[str, int]
    """How often each rule fired, drops included."""
    score: MeanEstimate
    score_without_marked: MeanEstimate


def marks_of_drops(drops: Iterable[Dropped]) -> Iterator[Mark]:
    """What the tools kept from the members, as marks: rule, address and count, never the text."""
    for drop in drops:
        rule = f"content: {drop.rule}" if drop.where == "content" else f"exclude: {drop.rule}"
        yield Mark(
            rule=rule,
            where=f"tool of {drop.seat}",
            url=drop.url if drop.where != "query" else None,
            count=drop.count or 1,
            dropped=True,
        )


def marks_of_run(
    task: Task, dataset: str, answer: Answer, trace: Trace | None, rule: ContentRule = STRICT
) -> tuple[Mark, ...]:
    """Everything in a finished run that deserves a look, by place."""
    guard = ContentGuard(task, rule)
    closed = Exclusion(exclude_for(dataset, task))
    found: list[Mark] = []
    for place in _places(answer, trace):
        if match := guard.match(place.text):
            name = f"content: {match.rule}"
            found.append(Mark(rule=name, where=place.where, url=place.url, count=match.found))
        found += find_markers(place.text, place.where, dataset)
        if place.url and (excluded := closed.match(place.url)):
            found.append(Mark(rule=f"exclude: {excluded}", where=place.where, url=place.url))
    return tuple(found)


def audit_result(
    result: StoredResult,
    tasks: Mapping[str, Task],
    trace_of: Callable[[Outcome], Trace | None],
    rule: ContentRule = STRICT,
) -> StoredResult:
    """The result with its marks found anew; what tools recorded as kept away stays."""

    def audited(outcome: Outcome) -> Outcome:
        task = tasks.get(outcome.task)
        if task is None:
            return outcome
        dropped = tuple(mark for mark in outcome.marks if mark.dropped)
        trace = trace_of(outcome)
        found = marks_of_run(task, result.dataset.name, outcome.answer, trace, rule)
        return outcome.model_copy(update={"marks": (*dropped, *found)})

    return result.model_copy(
        update={
            "arms": tuple(
                arm.model_copy(update={"outcomes": tuple(map(audited, arm.outcomes))})
                for arm in result.arms
            )
        }
    )


def audit_arm(arm: ArmResult) -> ArmAudit:
    """Count the marks of an arm, and score it with and without the marked samples."""
    marked = tuple(one.task for one in arm.outcomes if _is_marked(one))
    rules: dict[str, int] = {}
    for outcome in arm.outcomes:
        for mark in outcome.marks:
            rules[mark.rule] = rules.get(mark.rule, 0) + 1
    kept = [score for task, score in arm.scores.items() if task not in marked]
    return ArmAudit(
        arm=arm.name,
        tasks=len(arm.outcomes),
        marked=marked,
        dropped=sum(mark.dropped for one in arm.outcomes for mark in one.marks),
        marks=dict(sorted(rules.items())),
        score=estimate_mean(arm.scores.values()),
        score_without_marked=estimate_mean(kept),
    )


def _is_marked(outcome: Outcome) -> bool:
    return any(not mark.dropped for mark in outcome.marks)


def _places(answer: Answer, trace: Trace | None) -> Iterator[Place]:
    yield Place("answer", answer.text)
    for source in answer.sources:
        yield Place("source", source.title, source.url)
    if trace is None:
        return
    for one in trace.answers:
        yield Place(f"member {one.get('seat', '?')}", str(one.get("text", "")))
    if trace.analysis:
        yield Place("analysis", "\n".join(strings_in(trace.analysis)))
    for shown in trace.sources.values():
        url, text = str(shown.get("url", "")), str(shown.get("text", ""))
        yield Place(f"source of {shown.get('seat', '?')}", f"{shown.get('title', '')}\n{text}", url)
