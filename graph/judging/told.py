"""The analysis as its readers are told it: what is empty, or stands beside it, is left out."""

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # an estimate before the first request needs the prompts and no analysis
    from langgraph_fusion.graph.analysis import Analysis

_LOW = ("matters", "low")
"""Is not said, but of a contradiction, which matters unless something else is said."""


def analysis_told(analysis: "Analysis", asked: Collection[str] = ()) -> str:
    """Compact JSON without empty fields, and without the follow-ups that were `asked`: their
    questions stand with their answers.
    """
    found = analysis.model_dump(mode="json", exclude={"suspect_claims": {"__all__": {"seat"}}})
    found["follow_ups"] = [one for one in found["follow_ups"] if one["id"] not in asked]
    return json.dumps(_filled(found), ensure_ascii=False, separators=(",", ":"))


def _filled(value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _filled(one)
        for name, one in value.items()
        if one not in (None, "", []) and ((name, one) != _LOW or "stances" in value)
    }
