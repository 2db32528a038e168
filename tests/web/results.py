"""Whole results of runs that nobody had to pay: made by the offline models, or put together."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import ValidationError

from langgraph_fusion.graph.records import Call, Totals
from langgraph_fusion.graph.result import FusionResult
from tests.cli.recorded import whole_run

Path = tuple[str | int, ...]


@cache
def _recorded() -> dict[str, Any]:
    result: dict[str, Any] = whole_run()[-1]["result"]
    calls = [Call(**call) for call in result["bill"]["calls"]]
    timed = [call.model_copy(update={"began_s": 4.0 * at}) for at, call in enumerate(calls)]
    stages = {
        call.stage: Totals.of(one for one in timed if one.stage == call.stage) for call in timed
    }
    result["bill"] |= {"calls": [call.model_dump() for call in timed], "stages": stages}
    result["panel"] = [
        {
            "seat": seat,
            "model": f"vendor/{seat}",
            "status": "failed" if seat == "C" else "ok",
            "bill": Totals.of(call for call in timed if call.seat == seat),
        }
        for seat in "ABC"
    ]
    result["images"] = [
        {
            "number": 1, "sha256": "5e" * 32, "media_type": "image/png", "bytes": 2087,
            "width": 640, "height": 480, "seen_by": ["A", "judge"], "described_to": ["B"],
            "unseen_by": ["C"],
        }
    ]  # fmt: skip
    described = {"text": "A chart of fish.", "model": "vendor/A", "seat": "A"}
    result["image_description"] = described
    return FusionResult.model_validate(result).model_dump(mode="json")


def recorded_result(**changes: Any) -> FusionResult:
    """A run with a conflict that a follow-up settled, a member that failed, and a bill."""
    return FusionResult.model_validate(deepcopy(_recorded()) | changes)


def with_every_text(change: Callable[[str], str]) -> FusionResult:
    """The recorded result with each text changed that may be any text."""
    value = deepcopy(_recorded())
    for path in list(_texts(value)):
        before = _get(value, path)
        _set(value, path, change(before))
        try:
            FusionResult.model_validate(value)
        except ValidationError:  # one of a few words: a status, a stage
            _set(value, path, before)
    return FusionResult.model_validate(value)


def _texts(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(one, (*path, key))


def _get(value: Any, path: Path) -> str:
    for key in path:
        value = value[key]
    return str(value)


def _set(value: Any, path: Path, text: str) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = text
