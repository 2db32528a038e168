"""The events of a run as one-line messages, for MCP clients that show progress as text."""

from langgraph_fusion.graph.event_text import Event, event_lines
from langgraph_fusion.graph.wording import duration
from langgraph_fusion.models.text import one_line


def progress_message(event: Event) -> str:
    """Return one line about the event; empty if it is not worth one."""
    lines = list(event_lines(event))
    if event["type"] == "run.started":
        lines.append(f"run {event['run_id']}")
    if event["type"] == "run.finished":
        lines.append(f"done in {duration(event['result']['seconds'])}")
    return "; ".join(map(one_line, lines))
