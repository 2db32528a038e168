"""The events of a run as far as a stream passes them on beside the answer."""

from typing import Any

Event = dict[str, Any]
_SILENT = frozenset({
    "model.call", "member.reasoning", "sources", "writer.delta", "run.finished",
})  # fmt: skip
"""What comes whole in the end, is the answer itself, or has an event in the hosted contract."""


def public(event: Event) -> Event | None:
    """The event without the member's text and the analysis, which come whole in the end."""
    if event["type"] in _SILENT:
        return None
    if "answer" in event:
        return event | {"answer": event["answer"] | {"text": ""}}
    return {name: value for name, value in event.items() if name != "analysis"}
