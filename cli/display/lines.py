"""Progress as plain lines on standard error, or no progress at all."""

from collections.abc import Iterator
from contextlib import contextmanager

from langgraph_fusion.cli.display.follow import ShowEvent
from langgraph_fusion.cli.display.model import Event, RunView
from langgraph_fusion.cli.output import say_line
from langgraph_fusion.graph.event_text import event_lines
from langgraph_fusion.models.text import one_line
from langgraph_fusion.web.findings import findings

_SHOWN_FINDINGS = {"conflict", "gap", "suspect"}


@contextmanager
def line_display(*, verbose: bool) -> Iterator[ShowEvent]:
    """Print progress as lines on standard error."""

    def show(view: RunView, event: Event) -> None:
        for line in lines(event, verbose=verbose):
            say_line(line)

    yield show


@contextmanager
def no_display() -> Iterator[ShowEvent]:
    """Show nothing."""
    yield lambda view, event: None


def lines(event: Event, *, verbose: bool = False) -> Iterator[str]:
    """Yield the printable lines about an event: the shared ones, and the judge's findings."""
    yield from map(one_line, event_lines(event, verbose=verbose))
    if event.get("type") == "judge.finished" and event.get("analysis"):
        for finding in findings(event["analysis"]):
            if finding.kind in _SHOWN_FINDINGS:
                yield one_line(f"judge: {finding.kind}: {'; '.join(finding.text.splitlines())}")
