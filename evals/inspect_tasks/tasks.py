"""Tasks: a data set, an arm that answers, a scorer that grades.

    inspect eval langgraph_fusion/draco -T preset=budget -T arm="no judge" --limit 20
    inspect eval langgraph_fusion/replay -T dataset=draco -T files=verdicts.jsonl

Inspect's own model is not used (`--model none`): seats, judges and their keys are ours.
"""

from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai.scorer import Scorer

from langgraph_fusion.evals.datasets.dataset import DataSet
from langgraph_fusion.evals.inspect_tasks.choices import dataset_named
from langgraph_fusion.evals.inspect_tasks.samples import described, samples_of
from langgraph_fusion.evals.inspect_tasks.scorers import expected, recorded_verdicts, rubric
from langgraph_fusion.evals.inspect_tasks.solvers import fusion_arm, recorded_answers
from langgraph_fusion.evals.recorded.replay import recorded_arms, tasks_in

_Settings = dict[str, Any] | None


@task
def draco(
    preset: str | None = None,
    arm: str = "panel",
    settings: _Settings = None,
    data: str | None = None,
    protocol: str | None = None,
    judge: str | None = None,
    passes: int | None = None,
) -> Task:
    """DRACO: 100 research questions with weighted rubrics."""
    return _task("draco", data, preset, arm, settings, protocol, judge, passes)


@task
def drb2(
    preset: str | None = None,
    arm: str = "panel",
    settings: _Settings = None,
    data: str | None = None,
    protocol: str | None = None,
    judge: str | None = None,
    passes: int | None = None,
) -> Task:
    """DeepResearch Bench II: 130 tasks with 9,430 rubric items."""
    return _task("drb2", data, preset, arm, settings, protocol, judge, passes)


@task
def ramdocs(
    preset: str | None = None,
    arm: str = "panel",
    settings: _Settings = None,
    data: str | None = None,
) -> Task:
    """RAMDocs: questions with conflicting documents and known right answers."""
    return _task("ramdocs", data, preset, arm, settings)


@task
def own(
    file: str,
    preset: str | None = None,
    arm: str = "panel",
    settings: _Settings = None,
    protocol: str | None = None,
    judge: str | None = None,
    passes: int | None = None,
) -> Task:
    """A JSONL file of one's own, as `fusion eval run FILE` takes it."""
    return _task(file, None, preset, arm, settings, protocol, judge, passes)


@task
def replay(dataset: str, files: str | list[str], data: str | None = None) -> Task:
    """Reports and verdicts that others recorded of one configuration, scored anew."""
    paths = [files] if isinstance(files, str) else list(files)
    arms = recorded_arms([Path(one) for one in paths])
    tasks = tasks_in(dataset_named(dataset, data), arms)
    return Task(
        dataset=samples_of(tasks),
        solver=recorded_answers(dataset, paths, data),
        scorer=recorded_verdicts(dataset, paths, data),
        metadata=described(tasks),
    )


def _task(
    dataset: str,
    data: str | None,
    preset: str | None,
    arm: str,
    settings: _Settings,
    protocol: str | None = None,
    judge: str | None = None,
    passes: int | None = None,
) -> Task:
    tasks = dataset_named(dataset, data)
    given = {**({"preset": preset} if preset else {}), **(settings or {})}
    return Task(
        dataset=samples_of(tasks),
        solver=fusion_arm(dataset, data, arm, given),
        scorer=_scorer(tasks, dataset, data, protocol, judge, passes),
        metadata=described(tasks),
    )


def _scorer(
    tasks: DataSet,
    dataset: str,
    data: str | None,
    protocol: str | None,
    judge: str | None,
    passes: int | None,
) -> Scorer:
    if not tasks.graded_by_rubric:
        return expected(dataset, data)
    return rubric(dataset, data, protocol, judge, passes)
