"""Ctrl-C while a line is answered, at the moments when no run listens to it itself."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Interrupts:
    """Stops the answer to a line, and not the conversation."""

    def __init__(self) -> None:
        self._work: asyncio.Task[None] | None = None
        self.received = False
        """Whether the last answer was stopped here."""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """For the length of the block, as often as `listen` is called."""
        before = signal.getsignal(signal.SIGINT)
        try:
            yield
        finally:
            with suppress(NotImplementedError):
                asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
                signal.signal(signal.SIGINT, before)

    def listen(self) -> None:
        """Take the signal, from now until something else takes it: a run, or the editor."""
        with suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._stop)

    async def answer(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work until it is done or stopped."""
        self.received = False
        self.listen()
        self._work = asyncio.create_task(work)
        try:
            await self._work
        except asyncio.CancelledError:
            if not self.received:
                raise
        finally:
            self._work = None

    def _stop(self) -> None:
        if self._work is not None:
            self.received = True
            self._work.cancel()
