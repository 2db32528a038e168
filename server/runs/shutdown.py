"""How a server process stops: no new runs, a grace for those under way, then an error that helps.

uvicorn closes its sockets on SIGTERM and waits for the connections; it does not know that a run
may take minutes. So the signal is handled here as well: after the grace the runs that are left are
stopped, and their clients are told which run it was.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from langgraph_fusion.server.logging import log_event

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stoppable(Protocol):
    """What a shutdown needs of a run."""

    has_turn: bool

    def stop_for_shutdown(self) -> None:
        """End it and tell its client that the server stops."""


class Shutdown:
    """The runs of this process, and what happens to them when it stops."""

    def __init__(self, grace_s: float) -> None:
        self.started = False
        self.runs: set[Stoppable] = set()
        """Under way or waiting."""
        self._grace_s = grace_s
        self._end_of_grace: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Refuse new runs, end those that wait, and end the rest when the grace is over."""
        if self.started:
            return
        self.started = True
        log_event("server.stopping", runs=len(self.runs), grace_s=self._grace_s)
        for run in list(self.runs):
            if not run.has_turn:
                run.stop_for_shutdown()
        loop = asyncio.get_running_loop()
        self._end_of_grace = loop.call_later(self._grace_s, self._stop_all)

    def _stop_all(self) -> None:
        for run in list(self.runs):
            run.stop_for_shutdown()

    @contextmanager
    def on_signal(self) -> Iterator[None]:
        """Handle SIGTERM and SIGINT for the length of the block, beside the handlers before."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        earlier: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}

        def handle(number: int, frame: Any) -> None:
            loop.call_soon_threadsafe(self.start)
            if callable(earlier[number]):
                earlier[number](number, frame)

        for number in _SIGNALS:
            signal.signal(number, handle)
        try:
            yield
        finally:
            if self._end_of_grace is not None:
                self._end_of_grace.cancel()
            for restored, handler in earlier.items():
                signal.signal(restored, handler)


def stop_with_parent() -> None:
    """Stop this process in good order when its parent has ended; without a parent do nothing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        follow = threading.Thread(target=_follow, args=(parent,), daemon=True)
        follow.start()


def _follow(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
