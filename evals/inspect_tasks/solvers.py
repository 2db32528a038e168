"""Solvers: an arm of ours answers, or a recorded answer is taken.

Members' runs, analyses, answers and verdicts come from the same store as those of `fusion eval
run`, so that neither way pays what the other has paid.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai.solver import Generate, Solver, TaskState, solver

from langgraph_fusion.evals.arms.answering import Answering
from langgraph_fusion.evals.evaluate import open_workplace
from langgraph_fusion.evals.inspect_tasks.choices import (
    another_sample,
    arm_named,
    dataset_named,
)
from langgraph_fusion.evals.inspect_tasks.samples import put_answer
from langgraph_fusion.evals.limits import Limits
from langgraph_fusion.evals.progress import Progress
from langgraph_fusion.evals.recorded.replay import answer_of, recorded_arms
from langgraph_fusion.graph.errors import ConfigError


@solver
def fusion_arm(
    dataset: str,
    data: str | None = None,
    arm: str = "panel",
    settings: dict[str, Any] | None = None,
) -> Solver:
    """Answer with one arm of a configuration; each epoch takes further samples of its members.

    Raises:
        ConfigError: If the arm or a setting is wrong.
    """
    tasks = dataset_named(dataset, data)
    members, chosen = arm_named(arm, settings)
    known = {task.id: task for task in tasks.tasks}

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        async with open_workplace(tasks, Limits(), Progress()) as place:
            answering = Answering(place.context, members, tasks.tasks)
            asked = another_sample(chosen, state.epoch)
            answer = await answering.answer(asked, known[str(state.sample_id)])
        return put_answer(state, answer)

    return solve


@solver
def recorded_answers(dataset: str, files: Sequence[str], data: str | None = None) -> Solver:
    """Take the answers that others recorded.

    Raises:
        ConfigError: If the files hold none, or several arms.
    """
    known = {task.id: task for task in dataset_named(dataset, data).tasks}
    found = recorded_arms([Path(one) for one in files])
    if len(found) != 1:
        raise ConfigError(f"the files record {len(found)} arms; give those of one")

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return put_answer(state, answer_of(found[0], known[str(state.sample_id)]))

    return solve
