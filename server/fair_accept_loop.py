"""The event loop of a server process that shares its socket with others.

An event loop accepts every connection that is waiting. When many clients connect at once and keep
their connections, the process that wakes first would serve two thirds of them. Here a process
accepts one and runs its other callbacks before the next, so a busy one leaves them to the others.
"""

import asyncio
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import SelectorEventLoop as BestLoop
else:
    try:
        from uvloop import Loop as BestLoop
    except ImportError:
        from asyncio import SelectorEventLoop as BestLoop

_PAUSE_S = 1.0
"""Without taking any after one could not be taken, as when files run out; as asyncio's."""


class SharingLoop(BestLoop):
    """The loop that uvicorn would choose, with a server that takes connections one by one."""

    async def create_server(self, *args: Any, **given: Any) -> Any:
        """Serve the socket `sock`, which others serve as well."""
        return _Sharing(self, args[0], given["sock"], given["backlog"])


class _Sharing:
    """As much of `asyncio.Server` as uvicorn asks for."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, protocol: Any, sock: socket.socket, backlog: int
    ) -> None:
        self.sockets = [sock]
        self._loop, self._protocol, self._sock = loop, protocol, sock
        self._opening = set[asyncio.Task[Any]]()
        sock.setblocking(False)
        sock.listen(backlog)
        self._go_on()

    def close(self) -> None:
        """Accept no more connections; accepted ones stay open."""
        if self.sockets:
            self.sockets = []
            self._loop.remove_reader(self._sock)
            self._sock.close()

    async def wait_closed(self) -> None:
        """Return at once: uvicorn waits for its connections itself."""

    def _go_on(self) -> None:
        if self.sockets:
            self._loop.add_reader(self._sock, self._take)

    def _take(self) -> None:
        try:
            taken, _ = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another process has it, or it is gone
        except OSError:
            self._loop.remove_reader(self._sock)
            self._loop.call_later(_PAUSE_S, self._go_on)
            return
        taken.setblocking(False)
        opening = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, taken))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)
