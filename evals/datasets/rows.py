"""Read a JSONL file of a data set, with errors that name the line."""

import json
from collections.abc import Iterator
from typing import Any

from langgraph_fusion.evals.errors import DataRefused

Row = dict[str, Any]


def json_rows(text: str, name: str) -> Iterator[tuple[str, Row]]:
    """Where each row stands, for an error, and the row; empty lines are skipped.

    Lines end at a line feed only: texts of web pages hold other characters that look like one.

    Raises:
        DataRefused: If a line is not a JSON object.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{name}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataRefused(f"{place}: not JSON ({error})") from error
        if not isinstance(row, dict):
            raise DataRefused(f"{place}: not an object")
        yield place, row


def field_of(row: Row, name: str, kind: type, place: str) -> Any:
    """A field that has to be there.

    Raises:
        DataRefused: If it is missing or of another kind.
    """
    value = row.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DataRefused(f"{place}: `{name}` is missing or is no {kind.__name__}")
    return value
