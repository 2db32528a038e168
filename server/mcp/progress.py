"""The events of a run as short lines, for clients that show progress as text."""

from collections.abc import Callable, Mapping
from typing import Any

Event = Mapping[str, Any]


def told(event: Event) -> str:
    """One line about the event; empty if it is worth none."""
    line = _LINES.get(str(event.get("type")))
    return " ".join(line(event).split()) if line else ""


def _started(event: Event) -> str:
    panel = ", ".join(f"{one['seat']} {one['model']}" for one in event["seats"])
    return f"Panel: {panel}; run {event['run_id']}"


def _member(event: Event) -> str:
    asked = "; ".join(event["questions"])
    return f"{event['seat']} is asked: {asked}" if asked else ""


def _finished(event: Event) -> str:
    answer = event["answer"]
    how = {"ok": "answered", "partial": "answered in part", "failed": "failed"}[answer["status"]]
    why = f": {answer['error']['reason']}" if answer.get("error") else ""
    return f"{event['seat']} {how}{why}"


def _judged(event: Event) -> str:
    found = event["analysis"]
    if found is None:
        return f"The judge failed: {event['reason']}"
    agreed, against = len(found["consensus"]), len(found["contradictions"])
    return f"Judge: {agreed} agreed, {against} contradictory, {len(found['blind_spots'])} open"


_LINES: Mapping[str, Callable[[Event], str]] = {
    "run.started": _started,
    "member.started": _member,
    "member.tool": lambda event: f"{event['seat']} {event['tool']}: {event['input']}",
    "model.switch": lambda event: (
        f"{event['seat']} switches from {event['model']} to {event['next']}: {event['reason']}"
    ),
    "member.finished": _finished,
    "judge.started": lambda event: f"Judge {event['model']} compares the answers",
    "judge.finished": _judged,
    "writer.started": lambda event: f"Writer {event['model']} writes",
    "run.finished": lambda event: f"Done in {event['result']['seconds']:.1f} s",
}
