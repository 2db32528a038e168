"""DRACO: 100 research questions with weighted rubrics (arXiv 2602.11685, MIT).

`answer` is a JSON string: `{"id", "sections": [{"id", "title", "criteria": [{"id", "weight",
"requirement"}]}]}`. Sections may hold `sections` of their own, as OpenRouter's reader allows.
"""

import json
from collections.abc import Iterator

from langgraph_fusion.evals.contamination.exclude import exclude_of
from langgraph_fusion.evals.datasets.dataset import Pinned
from langgraph_fusion.evals.datasets.rows import Row, field_of, json_rows
from langgraph_fusion.evals.errors import DataRefused
from langgraph_fusion.evals.records import Criterion, Task

REVISION = "ce076749809027649ebd331bcb70f42bf720d387"


def read_draco(text: str) -> list[Task]:
    return [_task(row, place) for place, row in json_rows(text, "draco")]


def rubric_of(rubric: Row, place: str) -> tuple[Criterion, ...]:
    """All criteria of a rubric, in order."""
    criteria = tuple(_criteria(field_of(rubric, "sections", list, place), place))
    if len({one.id for one in criteria}) < len(criteria):
        raise DataRefused(f"{place}: a criterion's id stands twice")
    return criteria


def _task(row: Row, place: str) -> Task:
    try:
        rubric = json.loads(field_of(row, "answer", str, place))
    except ValueError as error:
        raise DataRefused(f"{place}: `answer` is not JSON ({error})") from error
    return Task(
        id=field_of(row, "id", str, place),
        question=field_of(row, "problem", str, place),
        domain=field_of(row, "domain", str, place),
        criteria=rubric_of(rubric, place),
    )


def _criteria(sections: list[Row], place: str, above: str = "") -> Iterator[Criterion]:
    for section in sections:
        name = above or field_of(section, "id", str, place)
        yield from _criteria(section.get("sections", []), place, name)
        for one in section.get("criteria", []):
            yield Criterion(
                id=field_of(one, "id", str, place),
                section=name,
                weight=one.get("weight"),
                requirement=field_of(one, "requirement", str, place),
            )


DRACO = Pinned(
    name="draco",
    url=f"https://huggingface.co/datasets/perplexity-ai/draco/resolve/{REVISION}/test.jsonl",
    revision=REVISION,
    sha256="e35bfe78cd827fa1d541b79fbc7bc7b91966d3227d8742c83e99d26d4ac4679a",
    reader=read_draco,
    exclude=exclude_of("draco"),
)
