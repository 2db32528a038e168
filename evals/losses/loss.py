"""Every criterion that a member met and the final answer did not, and at which stage it went."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from langgraph_fusion.evals.losses.fact import Fact, Presence, locate, presence
from langgraph_fusion.evals.records import ArmResult, Criterion, Outcome, Record, Task, Trace

Stage = Literal["unlocated", "cut", "dropped", "changed", "check", "kept"]
STAGES: dict[Stage, str] = {
    "cut": "cut by fitting: no request to the writer held it",
    "dropped": "dropped by the writer, who was sent it",
    "changed": "changed by the writer: a part of it is left",
    "check": "in the writer's draft, not in the final answer",
    "kept": "still said, as far as words tell, and graded unmet",
    "unlocated": "not found by words: form, or said in other words",
}
"""In the order in which they are shown."""
TraceOf = Callable[[Outcome], Trace | None]


class Loss(Record):
    """A criterion that a member met and the final answer did not."""

    task: str
    domain: str
    criterion: str
    section: str
    weight: float
    points: float
    """What it would have earned on its task, 0 to 100."""
    found_by: tuple[str, ...]
    """Solo arms that met it."""
    requirement: str
    """Rubric text: not to be published."""
    passage: str | None
    """The fact in a member's words; None where it was not found by words."""
    passage_of: str | None
    stage: Stage
    in_sources: Presence | None
    """In what members were shown; None without a trace, as below."""
    in_judge_request: Presence | None
    in_analysis: Presence | None
    """None without an analysis."""
    in_writer_request: Presence | None
    in_draft: Presence | None
    in_answer: Presence | None


class StageCount(Record):
    """What was lost at one stage."""

    losses: int
    points: float
    """Of an average task's score."""
    in_analysis: int
    """Of them, how many the judge's analysis held, whole or in part."""
    not_in_analysis: int


class TaskLoss(Record):
    """A task on which the arm fell behind its best member there."""

    task: str
    domain: str
    score: float
    best: str
    best_score: float
    losses: tuple[Loss, ...]


class ArmLosses(Record):
    """What an arm lost of what its members had."""

    arm: str
    tasks: int
    """Tasks with verdicts of the arm and of a member."""
    stages: dict[str, StageCount]
    losses: tuple[Loss, ...]
    behind: tuple[TaskLoss, ...]
    """Tasks on which the best member was better, the worst first."""
    gained: int
    """Criteria of positive weight that the answer met and no member did."""
    gained_points: float
    """Of an average task's score."""
    faults_added: int
    """Criteria of negative weight that the answer met and no member did."""
    traced: int
    """Tasks of which everything between question and answer is known."""


def arm_losses(
    arm: ArmResult,
    members: Sequence[ArmResult],
    tasks: Mapping[str, Task],
    trace_of: TraceOf,
) -> ArmLosses:
    """Follow what the members of an arm met to its final answers."""
    losses: list[Loss] = []
    behind: list[TaskLoss] = []
    compared, traced, gained, faults = 0, 0, [], 0
    for outcome in arm.outcomes:
        task, theirs = tasks.get(outcome.task), _theirs(outcome.task, members)
        ours = met_of(outcome)
        if task is None or not ours or not theirs:
            continue
        compared += 1
        trace = trace_of(outcome)
        traced += trace is not None
        lost = list(_losses(task, outcome, theirs, trace))
        losses += lost
        only = [one for one in task.criteria if ours.get(one.id) and not _met_by(one, theirs)]
        gained += [_points(one, task) for one in only if one.weight > 0]
        faults += sum(one.weight < 0 for one in only)
        behind += _behind(outcome, members, lost)
    return ArmLosses(
        arm=arm.name,
        tasks=compared,
        stages=_counted(losses, compared),
        losses=tuple(losses),
        behind=tuple(sorted(behind, key=lambda one: one.score - one.best_score)),
        gained=len(gained),
        gained_points=sum(gained) / compared if compared else 0.0,
        faults_added=faults,
        traced=traced,
    )


def met_of(outcome: Outcome) -> dict[str, bool]:
    """What was met, by the majority of passes; a tie counts as unmet."""
    votes: dict[str, list[bool]] = {}
    for one in outcome.verdicts:
        if one.met is not None:
            votes.setdefault(one.criterion, []).append(one.met)
    return {criterion: 2 * sum(met) > len(met) for criterion, met in votes.items()}


def _theirs(task: str, members: Sequence[ArmResult]) -> dict[str, Outcome]:
    found = {one.name: one.outcome(task) for one in members}
    return {name: outcome for name, outcome in found.items() if outcome and outcome.verdicts}


def _met_by(criterion: Criterion, theirs: Mapping[str, Outcome]) -> tuple[str, ...]:
    return tuple(name for name, one in theirs.items() if met_of(one).get(criterion.id))


def _losses(
    task: Task, outcome: Outcome, theirs: Mapping[str, Outcome], trace: Trace | None
) -> Iterator[Loss]:
    ours = met_of(outcome)
    for criterion in task.criteria:
        if criterion.weight <= 0 or ours.get(criterion.id) is not False:
            continue
        if found_by := _met_by(criterion, theirs):
            answers = {name: theirs[name].answer.text for name in found_by}
            yield _loss(task, criterion, outcome, answers, trace)


def _loss(
    task: Task,
    criterion: Criterion,
    outcome: Outcome,
    answers: Mapping[str, str],
    trace: Trace | None,
) -> Loss:
    located = locate(criterion.requirement, task.question, answers)
    name, fact = located or (None, None)
    seen = _followed(fact, outcome.answer.text, trace)
    return Loss(
        task=task.id,
        domain=task.domain,
        criterion=criterion.id,
        section=criterion.section,
        weight=criterion.weight,
        points=_points(criterion, task),
        found_by=tuple(answers),
        requirement=criterion.requirement,
        passage=fact.passage if fact else None,
        passage_of=name,
        stage=_stage(seen) if fact else "unlocated",
        **seen,
    )


def _followed(fact: Fact | None, answer: str, trace: Trace | None) -> dict[str, Presence | None]:
    """Where on its way to the answer the fact was still there."""
    names = ("sources", "judge_request", "analysis", "writer_request", "draft")
    texts: dict[str, str | None] = dict.fromkeys(names)
    if trace is not None:
        texts = {
            "sources": "\n".join(str(one.get("text", "")) for one in trace.sources.values()),
            "judge_request": trace.judge_prompt,
            "analysis": "\n".join(_strings(trace.analysis)) if trace.analysis else None,
            "writer_request": trace.writer_prompt,
            "draft": trace.draft or None,
        }
    texts["answer"] = answer
    return {f"in_{name}": presence(fact, text) if fact else None for name, text in texts.items()}


def _stage(seen: Mapping[str, Presence | None]) -> Stage:
    if seen["in_answer"] == "kept":
        return "kept"
    if seen["in_draft"] == "kept":
        return "check"
    if seen["in_writer_request"] == "absent":
        return "cut"
    return "changed" if seen["in_answer"] == "changed" else "dropped"


def _points(criterion: Criterion, task: Task) -> float:
    positive = sum(one.weight for one in task.criteria if one.weight > 0)
    return 100 * criterion.weight / positive if positive else 0.0


def _behind(
    outcome: Outcome, members: Sequence[ArmResult], lost: Sequence[Loss]
) -> Iterator[TaskLoss]:
    scores = {one.name: one.scores[outcome.task] for one in members if outcome.task in one.scores}
    if not scores or outcome.score is None:
        return
    best = max(scores, key=scores.__getitem__)
    if outcome.score.score < scores[best]:
        yield TaskLoss(
            task=outcome.task,
            domain=outcome.domain,
            score=outcome.score.score,
            best=best,
            best_score=scores[best],
            losses=tuple(sorted(lost, key=lambda one: -one.points)),
        )


def _counted(losses: Sequence[Loss], tasks: int) -> dict[str, StageCount]:
    counted: dict[str, StageCount] = {}
    for stage in STAGES:
        here = [one for one in losses if one.stage == stage]
        counted[stage] = StageCount(
            losses=len(here),
            points=sum(one.points for one in here) / tasks if tasks else 0.0,
            in_analysis=sum(one.in_analysis in ("kept", "changed") for one in here),
            not_in_analysis=sum(one.in_analysis == "absent" for one in here),
        )
    return counted


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)
