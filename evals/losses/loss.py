"""Every criterion that a member met and the final answer did not, and at which stage it went."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from langgraph_fusion.evals.expected import RIGHT, WRONG
from langgraph_fusion.evals.losses.fact import Fact, Presence, locate, presence
from langgraph_fusion.evals.losses.records import (
    STAGES,
    ArmLosses,
    Loss,
    Stage,
    StageCount,
    TaskLoss,
)
from langgraph_fusion.evals.records import ArmResult, Criterion, Outcome, Task, Trace
from langgraph_fusion.evals.strings import strings_in

TraceOf = Callable[[Outcome], Trace | None]


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
        only = [one for one in criteria_of(task) if ours.get(one.id) and not _met_by(one, theirs)]
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


def criteria_of(task: Task) -> tuple[Criterion, ...]:
    """The rubric; of expected answers one criterion each, with the ids of their verdicts."""
    if task.criteria:
        return task.criteria
    right = [(RIGHT, 1, number, one) for number, one in enumerate(task.expected, 1)]
    wrong = [(WRONG, -1, number, one) for number, one in enumerate(task.wrong, 1)]
    return tuple(
        Criterion(id=f"{name} {number}", section=name, weight=weight, requirement=one)
        for name, weight, number, one in [*right, *wrong]
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
    for criterion in criteria_of(task):
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
            "analysis": "\n".join(strings_in(trace.analysis)) if trace.analysis else None,
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
    positive = sum(one.weight for one in criteria_of(task) if one.weight > 0)
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
