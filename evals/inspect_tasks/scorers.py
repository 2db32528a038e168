"""Scorers: a judge by a protocol, code by expected answers, or recorded verdicts.

They also grade logs of other solvers: `inspect score LOG --scorer langgraph_fusion/rubric -S
dataset=draco`.
"""

from collections.abc import Sequence
from pathlib import Path

from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from langgraph_fusion.evals.evaluate import open_workplace
from langgraph_fusion.evals.grading import Grader
from langgraph_fusion.evals.inspect_tasks.choices import dataset_named, protocol_for
from langgraph_fusion.evals.inspect_tasks.metrics import SCORE, ZEROS, fusion_mean
from langgraph_fusion.evals.inspect_tasks.samples import answer_of
from langgraph_fusion.evals.limits import Limits
from langgraph_fusion.evals.progress import Progress
from langgraph_fusion.evals.recorded.replay import outcome_of, recorded_arms
from langgraph_fusion.evals.records import Outcome


@scorer(metrics=[fusion_mean()])
def rubric(
    dataset: str,
    data: str | None = None,
    protocol: str | None = None,
    judge: str | None = None,
    passes: int | None = None,
) -> Scorer:
    """Grade by the rubric, with a judge that is told what the protocol says."""
    tasks = dataset_named(dataset, data)
    known = {task.id: task for task in tasks.tasks}
    chosen = protocol_for(tasks, protocol, passes)
    model = judge or chosen.judge

    async def grade(state: TaskState, target: Target) -> Score:
        async with open_workplace(tasks, Limits(), Progress()) as place:
            grader = Grader(place.judge(chosen, model))
            outcome = await grader.grade(known[str(state.sample_id)], answer_of(state))
        return _score(outcome)

    return grade


@scorer(metrics=[fusion_mean()])
def expected(dataset: str, data: str | None = None) -> Scorer:
    """Grade by expected answers, without a judge."""
    known = {task.id: task for task in dataset_named(dataset, data).tasks}

    async def grade(state: TaskState, target: Target) -> Score:
        return _score(await Grader().grade(known[str(state.sample_id)], answer_of(state)))

    return grade


@scorer(metrics=[fusion_mean()])
def recorded_verdicts(dataset: str, files: Sequence[str], data: str | None = None) -> Scorer:
    """Score by the verdicts that others recorded."""
    known = {task.id: task for task in dataset_named(dataset, data).tasks}
    (arm,) = recorded_arms([Path(one) for one in files])

    async def grade(state: TaskState, target: Target) -> Score:
        return _score(outcome_of(arm, known[str(state.sample_id)]))

    return grade


def _score(outcome: Outcome) -> Score:
    """The score as a value; what it is made of as metadata, without any word of the rubric."""
    score, answer = outcome.score, outcome.answer
    zeros = score.score if score else None if answer.usable else 0.0
    return Score(
        value=score.score if score else float("nan"),
        answer=answer.text,
        explanation=_explanation(outcome),
        metadata={
            SCORE: score.score if score else None,
            ZEROS: zeros,
            "pass_rate": score.pass_rate if score else None,
            "due": outcome.due,
            "obtained": outcome.obtained,
            "refused": answer.refused,
            "cost_usd": answer.cost_usd,
            "seconds": answer.seconds,
            "judge_usd": outcome.judge_usd,
        },
    )


def _explanation(outcome: Outcome) -> str:
    if outcome.score is None:
        why = "verdicts were lost" if outcome.answer.usable else outcome.answer.error or "refused"
        return f"not scored: {why}"
    axes = "; ".join(f"{name} {one.score:.1f}" for name, one in outcome.score.sections.items())
    return f"{outcome.score.score:.2f} of 100. {axes}"
