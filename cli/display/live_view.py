"""The live view: the run, redrawn in place at the size of the terminal.

A frame is a function of view, time and size. The table of seats comes first, then what the judge
found, then the end of the draft that is being written, and last the keys that steer the run.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from langgraph_fusion.cli.display.follow import ShowEvent
from langgraph_fusion.cli.display.keyboard import Keyboard
from langgraph_fusion.cli.display.model import Event, RunView
from langgraph_fusion.cli.display.steering_line import SteeringLine
from langgraph_fusion.cli.display.widgets import Sanitized, findings_table, markdown, seat_table
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.event_text import analysis_summary
from langgraph_fusion.models.markdown import code_ranges

TAIL_CHARS = 6000
"""Of the growing draft this much is laid out anew for each frame: more than any screen shows."""

FRAMES_PER_SECOND = 8

LOW = 12
"""A screen with fewer lines than this has none to spare."""

Line = list[Segment]
LastLines = Callable[[RunView, int], list[Text]]
_EMPTY: Line = []


@contextmanager
def live_display(console: Console, steering: Steering | None = None) -> Iterator[ShowEvent]:
    """Draw the run over and over in place; nothing of it stays on the screen.

    With `steering` keys are read from standard input, and control the run.
    """
    live_view = LiveView(time.monotonic)
    drawing = _Drawing(console, live_view)

    def show(view: RunView, event: Event) -> None:
        live_view.view = view

    with drawing, _keys(live_view, drawing, steering) if steering else nullcontext():
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
        self.clock = clock
        self.last_lines: LastLines = lambda view, width: []

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, max(1, console.height - 1)
        last = self._last_lines(console, width, height)
        shown = frame(self.view, self.clock(), console, width, height - len(last))
        for line in [*shown, *last]:
            yield from line
            yield Segment.line()

    def _last_lines(self, console: Console, width: int, height: int) -> list[Line]:
        """An empty line and the last ones; on a low screen the very last alone."""
        texts = self.last_lines(self.view, width)
        lines = [line for text in texts for line in _layout(console, text, width)]
        if height < LOW:
            return lines[-1:] if height > 1 else []
        return [_EMPTY, *lines] if lines else []


class _Drawing:
    """The live view on the screen; it can be taken off and put back where the cursor then is."""

    def __init__(self, console: Console, live_view: LiveView) -> None:
        self._console, self._live_view = console, live_view
        self._live = self._new()

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def suspend(self) -> None:
        self._live.stop()

    def go_on(self) -> None:
        self._live = self._new()
        self._live.start()

    def _new(self) -> Live:
        rate = FRAMES_PER_SECOND
        view, console = self._live_view, self._console
        return Live(view, console=console, transient=True, refresh_per_second=rate)


@contextmanager
def _keys(live_view: LiveView, drawing: _Drawing, steering: Steering) -> Iterator[None]:
    """Read the keys that steer the run, and show them while they are read."""
    line = SteeringLine(steering, live_view.clock)

    def press(key: str) -> None:
        line.press(key, live_view.view)

    with Keyboard(press, suspend=drawing.suspend, go_on=drawing.go_on) as keyboard:
        live_view.last_lines = lambda view, width: (
            line.lines(view, width) if keyboard.reading else []
        )
        yield


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
