"""Follow a run: feed its events to a display, and stop cleanly when asked to.

The first SIGINT or SIGTERM cancels the run and waits until it has cleaned up; a second one ends
the process at once, and the sandbox's watchdog then removes the containers.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from langgraph_fusion.cli.display.keyboard import TerminalMode, show_cursor
from langgraph_fusion.cli.display.model import Event, RunView
from langgraph_fusion.cli.display.reducer import apply_event
from langgraph_fusion.cli.output import say

Events = AsyncGenerator[dict[str, Any], None]
ShowEvent = Callable[[RunView, Event], None]


@dataclass(frozen=True)
class FollowedRun:
    """Where a run stood when it ended: with a result, with an error, or stopped by a signal."""

    view: RunView
    error: Exception | None = None
    stopped_by: signal.Signals | None = None


async def follow(events: Events, display: AbstractContextManager[ShowEvent]) -> FollowedRun:
    """Show every event of a run until it has a result, fails or is stopped.

    Whatever the run raises is in what is returned, with the view as it stood then. A run with a
    result is left open: what is written down of it stays until its events are read to their end,
    and that is for the caller to do once the result has been delivered.
    """
    view = RunView()
    with stop_signals() as stop, display as show:
        try:
            async for event in events:
                view = apply_event(view, event, time.monotonic())
                show(view, event)
                if view.result is not None:
                    break
            await asyncio.sleep(0)  # a signal during the last event is delivered here
        except asyncio.CancelledError:
            if stop.received is None:
                raise
        except Exception as error:  # noqa: BLE001 - the caller prints it after what was learned
            return FollowedRun(view, error=error, stopped_by=stop.received)
        finally:
            if view.result is None:
                await events.aclose()
    return FollowedRun(view, stopped_by=stop.received)


@dataclass
class StopSignal:
    task: asyncio.Task[Any]
    received: signal.Signals | None = None
    mode: TerminalMode = field(default_factory=TerminalMode)

    def __call__(self, number: signal.Signals) -> None:
        if self.received is not None:
            self.mode.restore()
            show_cursor()
            os._exit(128 + number)
        self.received = number
        say("fusion: stopping; once more quits without cleaning up")
        self.task.cancel()


@contextmanager
def stop_signals() -> Iterator[StopSignal]:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    stop = StopSignal(task)
    numbers = (signal.SIGINT, signal.SIGTERM)
    with suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
        for number in numbers:
            loop.add_signal_handler(number, stop, number)
    try:
        yield stop
    finally:
        if stop.received is None:
            for number in numbers:
                loop.remove_signal_handler(number)
