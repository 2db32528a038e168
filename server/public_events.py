"""The events of a run as far as a stream passes them on beside the answer."""

from typing import Any

Event = dict[str, Any]
_SILENT = frozenset({"model.call", "sources", "writer.delta", "run.finished"})
"""What comes whole in the end, or is the answer itself."""


def public(event: Event) -> Event | None:
    """The event without the member's text and the analysis, which come whole in the end."""
    if event["type"] in _SILENT:
        return None
    if "answer" in event:
        return event | {"answer": event["answer"] | {"text": ""}}
    return {name: value for name, value in event.items() if name != "analysis"}
