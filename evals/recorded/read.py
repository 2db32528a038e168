"""Read a file of recorded rows: what each is, its fields say."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from langgraph_fusion.evals.datasets.rows import Row, json_rows
from langgraph_fusion.evals.errors import DataRefused
from langgraph_fusion.evals.recorded import openrouter, trustedrouter
from langgraph_fusion.evals.recorded.rows import Recorded

ReadRow = Callable[[Row, str], Sequence[Recorded]]


def read_recorded(path: Path) -> list[Recorded]:
    """Everything in a file, in its order.

    Raises:
        DataRefused: If it cannot be read or is of no kind that is known.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataRefused(f"{path} cannot be read: {error}") from error
    found: list[Recorded] = []
    for place, row in _rows(text, path.name):
        found += _reader(row, place)(row, place)
    if not found:
        raise DataRefused(f"{path.name} holds no recorded row")
    return found


def _rows(text: str, name: str) -> list[tuple[str, Row]]:
    """The rows of a JSONL file, or the one object of a JSON file."""
    try:
        whole = json.loads(text)
    except ValueError:
        return list(json_rows(text, name))
    rows = whole if isinstance(whole, list) else [whole]
    if not all(isinstance(row, dict) for row in rows):
        raise DataRefused(f"{name} holds no objects")
    return [(f"{name}, row {number}", row) for number, row in enumerate(rows, 1)]


def _reader(row: Row, place: str) -> ReadRow:
    schema = str(row.get("schema", ""))
    if schema.startswith("trustedrouter.") and ("judges" in row or "score" in row):
        return trustedrouter.verdicts
    if schema.startswith("trustedrouter.") and row.get("status") == "failed":
        return trustedrouter.not_judged
    if schema.startswith("trustedrouter.") and "final" in row:
        return trustedrouter.report
    if "runs" in row and "experiment_name" in row:
        return openrouter.verdicts
    raise DataRefused(
        f"{place}: neither verdicts nor a report of a kind that is known; "
        f"its fields are {', '.join(sorted(map(str, row)))[:200]}"
    )
