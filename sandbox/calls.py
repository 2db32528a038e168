"""Calls of the supervisor, whatever kind of container it runs in."""

import contextlib
import socket
import threading
from typing import Any, Literal, Protocol, TypeVar

from langgraph_fusion.sandbox.wire import ErrorReport, NoReport, Report, framed

ReportT = TypeVar("ReportT", bound=Report)
Condition = Literal["runs", "ended", "stuck"]


class SandboxGone(Exception):
    """The container is dead or removed; internal: the sandbox then starts a new one."""


class Call:
    """One call of the supervisor, which another thread may cancel at any moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """Hang up: the waiting thread wakes, and the supervisor kills the command."""
        with self._lock:
            self.cancelled = True
            self._hang_up()

    def connected(self, sock: socket.socket) -> None:
        with self._lock:
            self._socket = sock
            if self.cancelled:  # before there was a socket to hang up
                self._hang_up()

    def disconnected(self) -> None:
        with self._lock:
            self._socket = None

    def _hang_up(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class SupervisedContainer(Protocol):
    """A started container with the supervisor in it. Its methods block."""

    uid: int
    """The user its commands run as, as they see it."""

    def ask(
        self,
        kind: type[ReportT],
        request: dict[str, Any],
        *,
        seconds: float,
        max_bytes: int,
        call: Call,
    ) -> ReportT | ErrorReport:
        """Run the supervisor once and return its report.

        Raises:
            NoReport: If it does not report in time or in bounds, or the call is cancelled.
            SandboxGone: If the container is no more.
            SandboxUnavailable: If what runs the container does not answer.
        """
        ...

    def condition(self) -> Condition:
        """Whether the container runs, has ended, or cannot be handled."""
        ...

    def kill_commands(self) -> bool:
        """Kill every process of the commands; say whether that was possible."""
        ...

    def hang_up(self) -> None:
        """Let it end by itself, at once."""
        ...

    def remove(self) -> None:
        """Remove it with everything in it. Never raises; a second time does nothing."""
        ...


def send(sock: socket.socket, request: dict[str, Any], seconds: float) -> None:
    sock.settimeout(seconds)
    try:
        sock.sendall(framed(request))
    except TimeoutError as error:
        raise NoReport("timeout") from error
    except OSError as error:
        raise NoReport("end of stream") from error
