"""How far an evaluation has come: a line on a terminal, now and then a line elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from langgraph_fusion.cli.output import is_terminal, say
from langgraph_fusion.evals.progress import Progress
from langgraph_fusion.graph.wording import count, money

EVERY_S = 30.0
"""Between two lines where there is no terminal."""


@contextmanager
def shown(progress: Progress, *, quiet: bool) -> Iterator[None]:
    """Show the progress on standard error for the length of the block."""
    if quiet:
        yield
    elif is_terminal(sys.stderr):
        with _on_terminal(progress):
            yield
    else:
        with _in_lines(progress):
            yield


def sentence(progress: Progress) -> str:
    """`12 of 100 tasks, 240 verdicts (12 of them new), 31 runs, $1.20`."""
    spent = money(progress.usd)
    if progress.unknown_calls:
        spent += f" and {count(progress.unknown_calls, 'call')} of unknown cost"
    return (
        f"{progress.tasks_done} of {count(progress.tasks, 'task')}, "
        f"{count(progress.verdicts, 'verdict')} ({progress.bought} of them new), "
        f"{count(progress.runs, 'run')}, {spent}"
    )


@contextmanager
def _on_terminal(progress: Progress) -> Iterator[None]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with Live(Text(sentence(progress)), console=console, transient=True) as live:
        last = 0.0

        def changed() -> None:
            nonlocal last
            if time.monotonic() - last > 0.1:
                last = time.monotonic()
                live.update(Text(sentence(progress)))

        progress.changed = changed
        yield


@contextmanager
def _in_lines(progress: Progress) -> Iterator[None]:
    last = time.monotonic()

    def changed() -> None:
        nonlocal last
        if time.monotonic() - last > EVERY_S:
            last = time.monotonic()
            say(sentence(progress))

    progress.changed = changed
    yield
    if progress.tasks:
        say(sentence(progress))
