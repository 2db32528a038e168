"""How a server process stops: no new runs, a grace for those under way, then an error that helps.

uvicorn closes its sockets on SIGTERM and waits for the connections; what it does not know is that a
run may take minutes. So the signal is heard here as well: after the grace the runs that are left
are given up, and their clients are told which run it was.
"""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from langgraph_fusion.server.logging import log_event

if TYPE_CHECKING:
    from langgraph_fusion.server.state import ServerState

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Closing:
    """Whether this process is stopping, and what then happens to its runs."""

    def __init__(self, grace_s: float) -> None:
        self.begun = False
        self._grace_s = grace_s
        self._giving_up: asyncio.TimerHandle | None = None

    def begin(self, service: "ServerState") -> None:
        """Stop taking requests; give up what has not ended when the grace is over."""
        if self.begun:
            return
        self.begun = True
        log_event("server.stopping", runs=len(service.runs), grace_s=self._grace_s)
        for run in list(service.runs):
            if not run.has_turn:
                run.give_up()
        loop = asyncio.get_running_loop()
        self._giving_up = loop.call_later(self._grace_s, self._give_up, service)

    def _give_up(self, service: "ServerState") -> None:
        for run in list(service.runs):
            run.give_up()

    @contextmanager
    def on_signal(self, service: "ServerState") -> Iterator[None]:
        """Listen to SIGTERM and SIGINT beside whoever listens already."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}

        def heard(number: int, frame: Any) -> None:
            loop.call_soon_threadsafe(self.begin, service)
            if callable(before[number]):
                before[number](number, frame)

        for number in _SIGNALS:
            signal.signal(number, heard)
        try:
            yield
        finally:
            if self._giving_up is not None:
                self._giving_up.cancel()
            for heeded, handler in before.items():
                signal.signal(heeded, handler)
