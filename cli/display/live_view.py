"""The live view: the run, redrawn in place at the size of the terminal.

A frame is a function of view, time and size. The table of seats comes first, then what the judge
found, then the end of the draft that is being written.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from langgraph_fusion.cli.display.follow import ShowEvent
from langgraph_fusion.cli.display.model import Event, RunView
from langgraph_fusion.cli.display.widgets import Sanitized, findings_table, markdown, seat_table
from langgraph_fusion.graph.event_text import analysis_summary
from langgraph_fusion.models.markdown import code_ranges

TAIL_CHARS = 6000
"""Of the growing draft this much is laid out anew for each frame: more than any screen shows."""

FRAMES_PER_SECOND = 8

Line = list[Segment]
_EMPTY: Line = []


@contextmanager
def live_display(console: Console) -> Iterator[ShowEvent]:
    """Draw the run over and over in place; nothing of it stays on the screen."""
    live_view = LiveView(time.monotonic)

    def show(view: RunView, event: Event) -> None:
        live_view.view = view

    with Live(live_view, console=console, transient=True, refresh_per_second=FRAMES_PER_SECOND):
        yield show


def frame(view: RunView, now: float, console: Console, width: int, height: int) -> list[Line]:
    """At most `height` lines of `width` columns: what matters most at this moment."""
    lines = _layout(console, seat_table(view, now, width), width)[:height]
    if view.analysis is not None or view.judge_error:
        room = height - len(lines) - 1
        shown = _judgement(view, console, width, room)
        lines += [_EMPTY, *shown][: max(0, height - len(lines))]
    if view.draft:
        room = height - len(lines) - 1
        page = _layout(console, markdown(_tail(view.draft)), width)
        lines += [_EMPTY, *page[-room:]] if room > 0 else []
    return lines


class LiveView:
    """What `rich.live.Live` draws: the frame of the latest view."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.view = RunView()
        self._clock = clock

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, max(1, console.height - 1)
        for line in frame(self.view, self._clock(), console, width, height):
            yield from line
            yield Segment.line()


def _judgement(view: RunView, console: Console, width: int, room: int) -> list[Line]:
    """All findings if there is room and nothing is being written, else their count."""
    full = _layout(console, findings_table(view), width)
    if view.analysis is None or (len(full) <= room and not view.draft):
        return full
    short = Text(f"judge: {analysis_summary(view.analysis, view.follow_ups)}")
    return _layout(console, short, width)


def _tail(draft: str) -> str:
    """The end of the draft from a paragraph on; a code block that is cut open is opened again."""
    if len(draft) <= TAIL_CHARS:
        return draft
    start = draft.find("\n\n", len(draft) - TAIL_CHARS)
    start = start if start >= 0 else len(draft) - TAIL_CHARS
    fences = (code for code in code_ranges(draft) if code.kind == "fence")
    inside_code = any(code.start < start < code.end for code in fences)
    return ("```\n" if inside_code else "") + draft[start:].lstrip("\n")


def _layout(console: Console, renderable: RenderableType, width: int) -> list[Line]:
    options = console.options.update(width=width, height=None)
    return console.render_lines(Sanitized(renderable), options, pad=False)
