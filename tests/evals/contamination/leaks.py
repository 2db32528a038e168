"""Real reports, and leaks made of real rubrics: what the content guard is measured on."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from langgraph_fusion.evals.contamination.content_guard import ContentGuard, ContentRule
from langgraph_fusion.evals.datasets.load import load_dataset
from langgraph_fusion.evals.records import Task
from tests.shared_data import FOLDER, rows

REPORTS = ("fusion-frontier-opus", "solo-opus", "solo-gpt55", "solo-kimi")
DRAWS = 500


def recorded_tasks() -> dict[str, Task]:
    """DRACO by id; `next(rows(…))` first, so that a test skips where it is absent."""
    next(rows("draco/test.jsonl"))
    return {task.id: task for task in load_dataset("draco", FOLDER / "draco/test.jsonl").tasks}


def recorded_reports() -> Iterator[tuple[str, str]]:
    """Task and text of 400 reports."""
    for name in REPORTS:
        for row in rows(f"draco/{name}.jsonl"):
            yield row["task_id"], row["final"]["content"]


@dataclass(frozen=True)
class Rates:
    """What a rule does on them."""

    false_alarms: int
    """Of 400 reports."""
    pages: int
    """Of 100 pages: a report's first 5,000 characters, then 30 % of its task's rubric."""
    snippets: Mapping[int, int]
    """Of 500 snippets that hold so many criteria."""
    unmatched: int
    """Criteria that the rule can never match."""


def measured(tasks: Mapping[str, Task], rule: ContentRule) -> Rates:
    """Measure a rule; seeded."""
    draw, names = random.Random(1), sorted(tasks)
    guards = {name: ContentGuard(task, rule) for name, task in tasks.items()}
    reports = list(recorded_reports())
    texts = dict(reports)

    def leaked(name: str, count: int) -> str:
        return "\n".join(one.requirement for one in draw.sample(tasks[name].criteria, count))

    def flags(name: str, text: str) -> bool:
        return guards[name].match(text) is not None

    return Rates(
        false_alarms=sum(flags(task, text) for task, text in reports),
        pages=sum(
            flags(name, f"{texts[name][:5000]}\n{leaked(name, round(0.3 * len(task.criteria)))}")
            for name, task in tasks.items()
        ),
        snippets={
            count: sum(flags(name, leaked(name, count)) for name in draw.choices(names, k=DRAWS))
            for count in (1, 2, 3, 5)
        },
        unmatched=sum(len(task.criteria) - guards[name].criteria for name, task in tasks.items()),
    )
