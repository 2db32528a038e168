"""Put recorded rows together into arms: reports and verdicts of one configuration, task by task.

A task may have several rows: one that was judged wins over one that says why it was not. A report
without verdicts is graded like any other; verdicts without a report are scored as they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from langgraph_fusion.evals.datasets.dataset import DataSet
from langgraph_fusion.evals.errors import DataRefused
from langgraph_fusion.evals.recorded.read import read_recorded
from langgraph_fusion.evals.recorded.rows import (
    Recorded,
    RecordedReport,
    RecordedVerdicts,
)
from langgraph_fusion.evals.records import Answer, Outcome, Task
from langgraph_fusion.evals.scoring import score_task


@dataclass
class RecordedArm:
    """What is recorded of one configuration."""

    name: str
    reports: dict[str, RecordedReport] = field(default_factory=dict)
    verdicts: dict[str, RecordedVerdicts] = field(default_factory=dict)

    def add(self, row: Recorded) -> None:
        if isinstance(row, RecordedReport):
            self.reports[row.task] = row
        elif row.error is None or row.task not in self.verdicts:
            self.verdicts[row.task] = row

    def has(self, task: Task) -> bool:
        """Whether there is any row of this task."""
        return task.id in self.reports or task.id in self.verdicts

    @property
    def judged(self) -> bool:
        return bool(self.verdicts)

    @property
    def judges(self) -> set[str | None]:
        return {one.judge for one in self.verdicts.values() if one.error is None}

    @property
    def passes(self) -> int:
        return max((one.passes for one in self.verdicts.values()), default=1)


def recorded_arms(paths: Iterable[Path]) -> list[RecordedArm]:
    """The arms of these files, in order of appearance; raises DataRefused as `read_recorded`."""
    arms: dict[str, RecordedArm] = {}
    for path in paths:
        for row in read_recorded(path):
            arms.setdefault(row.arm, RecordedArm(row.arm)).add(row)
    return list(arms.values())


def answer_of(arm: RecordedArm, task: Task) -> Answer:
    """The recorded answer; where only its verdicts are known, one without a text."""
    verdicts, report = arm.verdicts.get(task.id), arm.reports.get(task.id)
    if verdicts is not None and verdicts.error is not None:
        refused = "no content" in verdicts.error
        return Answer(text="", finish="failed", refused=refused, error=verdicts.error)
    return report.answer if report is not None else Answer(text="", text_recorded=False)


def outcome_of(arm: RecordedArm, task: Task) -> Outcome:
    """The recorded answer with its recorded verdicts, scored by our scorer.

    Raises:
        DataRefused: If a weight is not the rubric's: the verdicts belong to another revision.
    """
    answer, judged = answer_of(arm, task), arm.verdicts.get(task.id)
    verdicts = judged.verdicts if judged else ()
    if judged is not None:
        _same_rubric(task, judged)
    return Outcome(
        task=task.id,
        domain=task.domain,
        answer=answer,
        verdicts=verdicts,
        due=len(task.criteria) * arm.passes if answer.usable else 0,
        score=score_task(task, verdicts, arm.passes) if answer.usable else None,
        judge_usd=judged.judge_usd if judged else None,
    )


def tasks_in(data: DataSet, arms: Sequence[RecordedArm]) -> DataSet:
    """The tasks of the set that any of the arms has a row of.

    Raises:
        DataRefused: If a row is about a task that the set does not have.
    """
    named = {task for arm in arms for task in (*arm.reports, *arm.verdicts)}
    known = {task.id for task in data.tasks}
    if unknown := sorted(named - known):
        raise DataRefused(f"recorded rows are about {unknown[0]}, which {data.name} does not have")
    return data.chosen([task.id for task in data.tasks if task.id in named])


def _same_rubric(task: Task, judged: RecordedVerdicts) -> None:
    weights = {one.id: one.weight for one in task.criteria}
    for id, weight in judged.weights.items():
        if weights.get(id) != weight:
            raise DataRefused(
                f"{judged.arm}: a criterion of task {task.id} has weight {weight} there and "
                f"{weights.get(id)} in the data set; it was judged by another rubric"
            )
