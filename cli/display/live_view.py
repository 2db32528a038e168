"""The live view: a board drawn to fit the terminal, whatever its size.

Drawing is a function of board, time and size. The table of seats comes first, then what the judge
found, then the end of the page that is being written.
"""

import re
from collections.abc import Callable

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from langgraph_fusion.cli.display.findings import summary
from langgraph_fusion.cli.display.model import Board
from langgraph_fusion.cli.display.widgets import Safe, found, markdown, seats

TAIL_CHARS = 6000
"""Of the growing page this much is laid out anew for each frame: more than any screen shows."""

_FENCE = re.compile(r"^(?:```|~~~)", re.MULTILINE)

Line = list[Segment]
_EMPTY: Line = []


def frame(board: Board, now: float, console: Console, width: int, height: int) -> list[Line]:
    """At most `height` lines of `width` columns: what matters most at this moment."""
    lines = _laid_out(console, seats(board, now, width), width)[:height]
    if board.analysis is not None or board.judge_failed:
        room = height - len(lines) - 1
        shown = _judgement(board, console, width, room)
        lines += [_EMPTY, *shown][: max(0, height - len(lines))]
    if board.page:
        room = height - len(lines) - 1
        page = _laid_out(console, markdown(_tail(board.page)), width)
        lines += [_EMPTY, *page[-room:]] if room > 0 else []
    return lines


class View:
    """What `rich.live.Live` draws: the frame of whatever board was shown last."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.board = Board()
        self._clock = clock

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, max(1, console.height - 1)
        for line in frame(self.board, self._clock(), console, width, height):
            yield from line
            yield Segment.line()


def _judgement(board: Board, console: Console, width: int, room: int) -> list[Line]:
    """All findings if there is room and nothing is being written, else their count."""
    full = _laid_out(console, found(board), width)
    if board.analysis is None or (len(full) <= room and not board.page):
        return full
    short = Text(f"judge: {summary(board.analysis, board.follow_ups)}")
    return _laid_out(console, short, width)


def _tail(page: str) -> str:
    """The end of the page from a paragraph on; a code block that is cut open is opened again."""
    if len(page) <= TAIL_CHARS:
        return page
    start = page.find("\n\n", len(page) - TAIL_CHARS)
    start = start if start >= 0 else len(page) - TAIL_CHARS
    inside_code = len(_FENCE.findall(page, 0, start)) % 2
    return ("```\n" if inside_code else "") + page[start:].lstrip("\n")


def _laid_out(console: Console, renderable: RenderableType, width: int) -> list[Line]:
    options = console.options.update(width=width, height=None)
    return console.render_lines(Safe(renderable), options, pad=False)
