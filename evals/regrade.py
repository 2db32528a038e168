"""Grade stored answers once more, by another judge; and score what others have graded."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from langgraph_fusion.evals.arms.derived import best_of
from langgraph_fusion.evals.datasets.dataset import DataSet
from langgraph_fusion.evals.evaluate import open_workplace, stored_result, within_budget
from langgraph_fusion.evals.grading import Grader
from langgraph_fusion.evals.judge import Judge
from langgraph_fusion.evals.limits import Limits
from langgraph_fusion.evals.progress import Progress
from langgraph_fusion.evals.protocols.protocol import Protocol
from langgraph_fusion.evals.recorded.replay import (
    RecordedArm,
    outcome_of,
    recorded_arms,
    tasks_in,
)
from langgraph_fusion.evals.records import (
    ArmResult,
    Calibration,
    Outcome,
    ProtocolRef,
    StoredResult,
    Task,
)
from langgraph_fusion.evals.store import key_of
from langgraph_fusion.graph.errors import ConfigError


async def regrade(
    stored: StoredResult,
    data: DataSet,
    protocol: Protocol,
    model: str,
    limits: Limits,
    progress: Progress,
) -> StoredResult:
    """The same answers with new verdicts, and how the two judges compare.

    Raises:
        ConfigError: If the data set is not the result's, or an answer's text is not stored.
    """
    if data.sha256 != stored.dataset.sha256:
        raise ConfigError(
            f"the result is of {stored.dataset.name} with sha256 {stored.dataset.sha256}, and this "
            f"file has {data.sha256}"
        )
    chosen = data.chosen(stored.dataset.chosen)
    if any(not one.answer.text_recorded for arm in stored.arms for one in arm.outcomes):
        raise ConfigError("its answers were recorded without their texts: nothing can be graded")
    async with open_workplace(data, limits, progress) as place:
        judge = place.judge(protocol, model)
        work = _Again(stored.arms, chosen.tasks, Grader(judge), limits.tasks, progress)
        stopped = await within_budget(place.context.budget, work.run)
        notes = [f"Graded again; first graded by {stored.protocol.judge} ({stored.protocol.id})."]
        if stopped:
            notes.append(f"The spend cap of ${limits.budget_usd:g} was reached.")
        arms = work.results()
        result = stored_result(chosen, work.grader.ref, arms, place, notes, judge)
    return result.model_copy(
        update={
            "calibrations": tuple(_calibrations(arms, stored)),
            "served_by_hand": stored.served_by_hand or limits.by_hand,
        }
    )


def _calibrations(arms: Sequence[ArmResult], stored: StoredResult) -> Sequence[Calibration]:
    from langgraph_fusion.evals.calibration import calibrate_arms

    found = []
    for arm in arms:
        before = stored.arm(arm.name)
        if arm.kind == "oracle" or before is None:
            continue
        try:
            found.append(calibrate_arms(arm, before, f"{stored.protocol.judge}, {arm.name}"))
        except ValueError:
            continue  # no verdict of both judges on this arm
    return found


class _Again:
    """Grades every arm that has answers of its own, task by task."""

    def __init__(
        self,
        arms: Sequence[ArmResult],
        tasks: Sequence[Task],
        grader: Grader,
        at_once: int,
        progress: Progress,
    ) -> None:
        self.arms, self.tasks, self.grader, self.progress = arms, tasks, grader, progress
        self._at_once = at_once
        self._done: dict[tuple[str, str], Outcome] = {}

    async def run(self) -> None:
        slots = asyncio.Semaphore(self._at_once)
        self.progress.tasks = len(self.tasks)

        async def one(task: Task) -> None:
            async with slots:
                own = [arm for arm in self.arms if arm.kind != "oracle"]
                await asyncio.gather(*(self._grade(arm, task) for arm in own))
            self.progress.task_ended()

        async with asyncio.TaskGroup() as group:
            for task in self.tasks:
                group.create_task(one(task))

    async def _grade(self, arm: ArmResult, task: Task) -> None:
        before = arm.outcome(task.id)
        if before is not None:
            graded = await self.grader.grade(task, before.answer)
            kept = graded.model_copy(update={"marks": before.marks})
            self._done[arm.name, task.id] = kept

    def results(self) -> list[ArmResult]:
        """On the tasks that are graded for all arms."""
        own = [arm for arm in self.arms if arm.kind != "oracle"]
        whole = [
            task.id for task in self.tasks if all((arm.name, task.id) in self._done for arm in own)
        ]
        made = {
            arm.name: arm.model_copy(
                update={"outcomes": tuple(self._done[arm.name, task] for task in whole)}
            )
            for arm in own
        }
        for arm in self.arms:
            if arm.kind == "oracle":
                made[arm.name] = best_of(arm.name, arm.members, list(made.values()))
        return [made[arm.name] for arm in self.arms]


async def replay(
    data: DataSet,
    paths: Sequence[Path],
    protocol: Protocol | None,
    model: str | None,
    limits: Limits,
    progress: Progress,
) -> StoredResult:
    """Recorded arms, scored by recorded verdicts; with a `model` those without any are graded.

    Raises:
        ConfigError: If a file cannot be read, or judged arms were judged by different judges.
    """
    arms = recorded_arms(paths)
    chosen = tasks_in(data, arms)
    judges = {judge for arm in arms for judge in arm.judges}
    if len(judges) > 1:
        raise ConfigError(f"verdicts of different judges do not mix: {', '.join(map(str, judges))}")
    async with open_workplace(data, limits, progress) as place:
        judge = place.judge(protocol, model) if protocol and model else None
        results = [await _replayed(arm, chosen, judge) for arm in arms]
        ref = _recorded_ref(arms, judge)
        notes = ["Recorded by others; the scores are worked out anew."]
        notes += [
            f"{arm.name}: its reports have no verdicts; name a --grader to grade them."
            for arm in arms
            if not arm.judged and judge is None
        ]
        return stored_result(chosen, ref, results, place, notes, judge)


async def _replayed(arm: RecordedArm, data: DataSet, judge: Judge | None) -> ArmResult:
    tasks = [task for task in data.tasks if arm.has(task)]
    outcomes = [outcome_of(arm, task) for task in tasks]
    if judge is not None and not arm.judged:
        grader = Grader(judge)
        outcomes = list(
            await asyncio.gather(
                *(grader.grade(task, one.answer) for task, one in zip(tasks, outcomes, strict=True))
            )
        )
    return ArmResult(name=arm.name, kind="recorded", outcomes=tuple(outcomes))


def _recorded_ref(arms: Sequence[RecordedArm], judge: Judge | None) -> ProtocolRef:
    if judge is not None and not any(arm.judged for arm in arms):
        return judge.protocol.ref(judge.model)
    judges = sorted({str(one) for arm in arms for one in arm.judges if one})
    passes = max((arm.passes for arm in arms), default=1)
    return ProtocolRef(
        id="recorded",
        sha256=key_of("recorded", judges),
        judge=", ".join(judges) or None,
        passes=passes,
    )
