"""DeepResearch Bench II: 132 tasks, 9,430 rubric items of weight 1 (arXiv 2601.08536).

Row: `id`, `idx`, `language`, `theme`, `description`, `prompt`, and `content` with `task`, `rubric`
(a list of items for each of three dimensions) and `blocked` (the article the rubric was made from:
title, authors, urls). The published prompt names that article and forbids it; ours is `task`
alone, and the addresses are kept from every tool instead. A licence a task: see the data set.
Tasks 112 and 114 were withdrawn by its authors and are left out.
"""

from collections.abc import Iterator

from langgraph_fusion.evals.contamination.exclude import exclude_of, rule_of
from langgraph_fusion.evals.datasets.dataset import Pinned
from langgraph_fusion.evals.datasets.rows import Row, field_of, json_rows
from langgraph_fusion.evals.records import Criterion, Task

REVISION = "9d365edcde2fc00ecbf9ed349761a50f324da637"
WITHDRAWN = frozenset({112, 114})
DIMENSIONS = ("info_recall", "analysis", "presentation")


def read_drb2(text: str) -> list[Task]:
    rows = json_rows(text, "drb2")
    return [_task(row, place) for place, row in rows if row.get("idx") not in WITHDRAWN]


def _task(row: Row, place: str) -> Task:
    content = field_of(row, "content", dict, place)
    blocked = content.get("blocked") or {}
    return Task(
        id=field_of(row, "id", str, place),
        question=field_of(content, "task", str, place),
        domain=field_of(row, "theme", str, place),
        criteria=tuple(_criteria(field_of(content, "rubric", dict, place))),
        exclude=tuple(rule_of(url) for url in blocked.get("urls", ())),
    )


def _criteria(rubric: Row) -> Iterator[Criterion]:
    for dimension in DIMENSIONS:
        for number, item in enumerate(rubric.get(dimension) or (), 1):
            id = f"{dimension}-{number}"
            yield Criterion(id=id, section=dimension, weight=1, requirement=str(item))


DRB2 = Pinned(
    name="drb2",
    url=(
        "https://raw.githubusercontent.com/imlrz/DeepResearch-Bench-II/"
        f"{REVISION}/tasks_and_rubrics.jsonl"
    ),
    revision=REVISION,
    sha256="83d908225797236dbe15822645a5ea1f6cfe08b74e7afbffee71e21ba79eaca1",
    reader=read_drb2,
    exclude=exclude_of("drb2"),
)
