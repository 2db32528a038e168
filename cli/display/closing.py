"""The last lines of a run: cost, time, follow-up rounds, and whatever went worse than asked."""

from collections.abc import Iterator, Mapping
from typing import Any

from langgraph_fusion.cli.display.format import cost_in_words, count, duration
from langgraph_fusion.models.text import one_line


def closing_line(result: Mapping[str, Any]) -> str:
    """`$0.0123 · 34s · 1 follow-up round`."""
    parts = [
        cost_in_words(result["bill"]["calls"]),
        duration(result["seconds"]),
        *_rounds(result),
    ]
    return " · ".join(parts)


def _rounds(result: Mapping[str, Any]) -> Iterator[str]:
    if result["mode"] == "direct":
        return
    early = not result["rounds"] and result.get("ended_by") == "nothing_open"
    yield count(result["rounds"], "follow-up round") + (" (nothing open)" if early else "")


def warnings(result: Mapping[str, Any]) -> Iterator[str]:
    """Each thing that went worse than asked, as a sentence."""
    return map(one_line, _warnings(result))


def _warnings(result: Mapping[str, Any]) -> Iterator[str]:
    notes = result.get("notes", ())
    yield from notes
    if not notes:
        yield from (f"degraded: {word}" for word in result["degraded"])
        yield from map(_failed, result["failed_members"])
    if unverified := result["unverified"]:
        texts = ", ".join(one["text"] for one in unverified)
        yield f"{count(len(unverified), 'citation')} not found among the sources: {texts}"
    if dropped := result["dropped"]:
        yield f"{count(len(dropped), 'result')} kept from the members by `exclude`"


def _failed(one: Mapping[str, Any]) -> str:
    why = ": ".join(one[key] for key in ("reason", "detail") if one.get(key))
    return f"{one['seat']} ({one['model']}) gave no whole answer: {why}"
