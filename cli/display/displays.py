"""Three ways to show a run while it runs: the live view, plain lines, nothing."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from langgraph_fusion.cli.display.follow import Show
from langgraph_fusion.cli.display.lines import lines
from langgraph_fusion.cli.display.model import Board, Event

if TYPE_CHECKING:
    from rich.console import Console

FRAMES_PER_SECOND = 8


@contextmanager
def live_display(console: "Console") -> Iterator[Show]:
    """Draw the board over and over in place; nothing of it stays on the screen."""
    from rich.live import Live

    from langgraph_fusion.cli.display.live_view import View

    view = View(time.monotonic)

    def show(board: Board, event: Event) -> None:
        view.board = board

    with Live(view, console=console, transient=True, refresh_per_second=FRAMES_PER_SECOND):
        yield show


@contextmanager
def line_display(*, verbose: bool) -> Iterator[Show]:
    """Print progress as lines on standard error."""

    def show(board: Board, event: Event) -> None:
        for line in lines(board, event, verbose=verbose):
            print(line, file=sys.stderr, flush=True)

    yield show


@contextmanager
def no_display() -> Iterator[Show]:
    """Show nothing."""
    yield lambda board, event: None
