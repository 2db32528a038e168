"""A set of one's own: JSONL, one question a line, with expected answers or with a rubric.

    {"question": "…", "expected": "1847"}
    {"question": "…", "expected": ["Rome", "Roma"], "wrong": ["Milan"], "documents": ["…"]}
    {"question": "…", "domain": "law", "rubric": [
        {"requirement": "Names the court", "weight": 5, "section": "facts"},
        {"requirement": "Invents a case", "weight": -10}]}

`id`, `domain`, `wrong`, `documents` and `exclude` may be left out, as may a criterion's `id`,
`section` and `weight` (then 1). Of `expected` every answer is to be named; of `wrong` none.
"""

import hashlib
import math
from typing import Any

from langgraph_fusion.evals.datasets.rows import Row, field_of, json_rows
from langgraph_fusion.evals.errors import DataRefused
from langgraph_fusion.evals.records import Criterion, Document, Task

_FIELDS = {
    "id", "question", "domain", "expected", "wrong", "documents", "rubric", "exclude",
}  # fmt: skip


def read_own(text: str, name: str) -> list[Task]:
    """Raises DataRefused, naming the line, for a row that cannot be graded."""
    tasks = [_task(row, place) for place, row in json_rows(text, name)]
    if not tasks:
        raise DataRefused(f"{name} holds no task")
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen:
            raise DataRefused(f"{name}: task {task.id} stands twice; give each its own `id`")
        seen.add(task.id)
    return tasks


def _task(row: Row, place: str) -> Task:
    if unknown := sorted(row.keys() - _FIELDS):
        known = ", ".join(sorted(_FIELDS))
        raise DataRefused(f"{place}: unknown field {', '.join(unknown)}; the fields are {known}")
    question = field_of(row, "question", str, place)
    expected, criteria = _texts(row, "expected", place), _rubric(row, place)
    if bool(expected) == bool(criteria):
        raise DataRefused(f"{place}: give either `expected` or `rubric`")
    return Task(
        id=str(row.get("id") or hashlib.sha256(question.encode()).hexdigest()[:12]),
        question=question,
        domain=str(row.get("domain", "")),
        criteria=criteria,
        expected=expected,
        wrong=_texts(row, "wrong", place),
        documents=tuple(_document(*one, place) for one in enumerate(row.get("documents", []), 1)),
        exclude=_texts(row, "exclude", place),
    )


def _texts(row: Row, name: str, place: str) -> tuple[str, ...]:
    """One text or several; numbers are taken as they are written."""
    given = row.get(name)
    values = given if isinstance(given, list) else [] if given is None else [given]
    if any(isinstance(one, (dict, list, bool)) or not str(one).strip() for one in values):
        raise DataRefused(f"{place}: `{name}` is to be a text or a list of texts")
    return tuple(str(one).strip() for one in values)


def _rubric(row: Row, place: str) -> tuple[Criterion, ...]:
    given = row.get("rubric", [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise DataRefused(f"{place}: `rubric` is to be a list of criteria")
    criteria = tuple(_criterion(number, one, place) for number, one in enumerate(given, 1))
    if len({one.id for one in criteria}) < len(criteria):
        raise DataRefused(f"{place}: a criterion's id stands twice")
    return criteria


def _criterion(number: int, row: Row, place: str) -> Criterion:
    place = f"{place}, criterion {number}"
    weight = row.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        raise DataRefused(f"{place}: `weight` is no number")
    if weight == 0 or not math.isfinite(weight):
        raise DataRefused(f"{place}: a weight of {weight} decides nothing")
    return Criterion(
        id=str(row.get("id", number)),
        section=str(row.get("section", "")),
        weight=weight,
        requirement=field_of(row, "requirement", str, place),
    )


def _document(number: int, given: Any, place: str) -> Document:
    if isinstance(given, str):
        return Document(title=f"Document {number}", text=given)
    if not isinstance(given, dict):
        raise DataRefused(f"{place}: document {number} is neither a text nor an object")
    title = str(given.get("title") or f"Document {number}")
    return Document(title=title, text=field_of(given, "text", str, place))
