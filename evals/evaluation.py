"""Every arm answers every task, every answer is graded, and what follows from them is derived."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langgraph_fusion.evals.arms.answering import Answering
from langgraph_fusion.evals.arms.derived import best_member, equal_spend
from langgraph_fusion.evals.arms.spec import ArmSpec
from langgraph_fusion.evals.datasets.dataset import DataSet
from langgraph_fusion.evals.grading import Grader
from langgraph_fusion.evals.progress import Progress
from langgraph_fusion.evals.records import Answer, ArmResult, Mark, Outcome, Task, Trace
from langgraph_fusion.evals.store import EvalStore, key_of
from langgraph_fusion.graph.prompts import prompt_texts
from langgraph_fusion.tools.exclude import Dropped


@dataclass
class Evaluation:
    """All arms on all tasks. What is finished is in `done`, also when it is stopped."""

    data: DataSet
    arms: Sequence[ArmSpec]
    answering: Answering
    grader: Grader
    at_once: int
    """Tasks that are worked on side by side; each is finished before others are begun."""
    progress: Progress = field(default_factory=Progress)
    done: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    """By the name of the arm and the id of the task."""
    notes: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Run to the end; whatever stops it, the stored work is not lost."""
        first = [arm for arm in self.arms if arm.kind not in ("oracle", "equal_spend")]
        self.progress.tasks = len(self.data.tasks)
        await self._all(first, last=True)
        later = []
        for arm in self.arms:
            if arm.kind == "equal_spend":
                made, note = equal_spend(arm, self.answering.members, self.results(first))
                self.notes.append(note)
                later += [made] if made else []
        self.arms = [arm for arm in self.arms if arm.kind != "equal_spend"] + later
        await self._all(later)

    async def _all(self, arms: Sequence[ArmSpec], *, last: bool = False) -> None:
        slots = asyncio.Semaphore(self.at_once)

        async def one(task: Task) -> None:
            async with slots:
                await asyncio.gather(*(self._one(arm, task) for arm in arms))
            if last:
                self.progress.task_ended()

        async with asyncio.TaskGroup() as group:
            for task in self.data.tasks:
                group.create_task(one(task))

    async def _one(self, arm: ArmSpec, task: Task) -> None:
        answer = await self.answering.answer(arm, task)
        outcome = await self.grader.grade(task, answer)
        marks = await asyncio.to_thread(lambda: tuple(self._marks(task, answer)))
        self.done[arm.name, task.id] = outcome.model_copy(update={"marks": marks})

    def _marks(self, task: Task, answer: Answer) -> Iterable[Mark]:
        """What was kept from the members, and what looks as if it had reached them."""
        from langgraph_fusion.evals.contamination.audit import marks_of_drops, marks_of_run

        trace = read_trace(self.answering.context.store, answer)
        yield from marks_of_drops(Dropped(**one) for one in (trace.dropped if trace else ()))
        yield from marks_of_run(task, self.data.name, answer, trace)

    def results(self, arms: Sequence[ArmSpec] | None = None) -> list[ArmResult]:
        """The arms on the tasks that all of them have finished, the derived ones among them."""
        asked = list(self.arms if arms is None else arms)
        ran = [arm for arm in asked if arm.kind not in ("oracle", "equal_spend")]
        whole = [
            task.id
            for task in self.data.tasks
            if all((arm.name, task.id) in self.done for arm in ran)
        ]
        made = {arm.name: self._result(arm, whole) for arm in ran}
        solos = [one for one in made.values() if one.kind == "solo"]
        for arm in asked:
            if arm.kind == "oracle":
                made[arm.name] = best_member(arm, solos)
        return [made[arm.name] for arm in asked if arm.name in made]

    def _result(self, arm: ArmSpec, tasks: Sequence[str]) -> ArmResult:
        return ArmResult(
            name=arm.name,
            kind=arm.kind,
            members=tuple(f"solo {one}" for one in arm.members),
            settings=arm.settings.model_dump(mode="json"),
            prompts=prompts_hash(arm.prompts),
            outcomes=tuple(self.done[arm.name, task] for task in tasks),
        )


def prompts_hash(folder: Path | None) -> str:
    """Of all prompts of an arm."""
    return key_of(dict(prompt_texts(folder)))


def read_trace(store: EvalStore, answer: Answer) -> Trace | None:
    """What stands between question and answer; None if nothing is stored."""
    stored: Any = store.get("trace", answer.trace) if answer.trace else None
    return None if stored is None else Trace.model_validate(stored)
