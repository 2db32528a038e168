"""Recorded reports and labelled samples beside the repository; tests skip where they are absent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "data"


def rows(name: str) -> Iterator[dict[str, Any]]:
    """Read a JSONL file under the shared data, or skip the test."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def long_reports(least_chars: int) -> tuple[str, list[str]]:
    """A real question, three systems' whole reports on it, and two long reports on another."""
    names = ("solo-gpt55", "solo-kimi", "solo-opus")
    reports: dict[str, list[str]] = {}
    questions: dict[str, str] = {}
    for name in names:
        for row in rows(f"draco/{name}.jsonl"):
            reports.setdefault(row["task_id"], []).append(row["final"]["content"])
            questions[row["task_id"]] = row["task"]["problem"]
    long = [task for task, texts in reports.items() if min(map(len, texts)) >= least_chars]
    return questions[long[0]], [*reports[long[0]], *reports[long[1]][:2]]
