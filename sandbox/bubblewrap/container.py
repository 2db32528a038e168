"""One bubblewrap sandbox: namespaces that live and die with their agent. Everything here blocks."""

import contextlib
import logging
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.bubblewrap.command import UID
from langgraph_fusion.sandbox.bubblewrap.control_groups import Groups
from langgraph_fusion.sandbox.calls import Call, Condition, ReportT, SandboxGone, send
from langgraph_fusion.sandbox.exec_result import one_line
from langgraph_fusion.sandbox.wire import ErrorReport, NoReport, ReportReader, parse

log = logging.getLogger(__name__)

KILL_WITHIN_S = 10
END_WITHIN_S = 10


class BubblewrapContainer:
    """See `SupervisedContainer`. Its life-line is the agent's socket."""

    uid = UID

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        control: socket.socket,
        groups: Groups | None = None,
    ) -> None:
        self._process = process
        self._control = control
        self._groups = groups

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        control: socket.socket,
        passed: Sequence[int],
        groups: Groups | None = None,
    ) -> "BubblewrapContainer":
        """Start it.

        Args:
            command: See `command_line`.
            control: Our end of the agent's socket.
            passed: Descriptors that the command names.
            groups: What the command joins; removed with the container.

        Raises:
            SandboxUnavailable: If it cannot be started.
        """
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"} | to_reach_systemd(),
                cwd="/",
                pass_fds=passed,
            )
        except OSError as error:
            if groups is not None:
                groups.remove()
            raise SandboxUnavailable("bubblewrap could not be started.") from error
        return cls(process, control, groups)

    def ask(
        self,
        kind: type[ReportT],
        request: dict[str, Any],
        *,
        seconds: float,
        max_bytes: int,
        call: Call,
    ) -> ReportT | ErrorReport:
        """Run the supervisor once and return its report."""
        near, far = socket.socketpair()
        with near:
            with far:
                self._hand_over(far)
            call.connected(near)
            try:
                deadline = time.monotonic() + seconds
                send(near, request, seconds)
                reader = ReportReader(near, max_bytes, multiplexed=False)
                return parse(kind, reader.read(deadline))
            finally:
                call.disconnected()

    def condition(self) -> Condition:
        """Whether the first process lives; the kernel answers, so that nothing is ever stuck."""
        return "runs" if self._process.poll() is None else "ended"

    def kill_commands(self) -> bool:
        """Have the agent kill every other process, which no command can keep it from."""
        try:
            self._control.settimeout(KILL_WITHIN_S)
            self._control.send(b"kill")
            return self._control.recv(16) == b"killed"
        except OSError:
            return False

    def hang_up(self) -> None:
        """Close the life-line, at which the agent ends."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)

    def remove(self) -> None:
        """End it, and everything in it with it."""
        self.hang_up()
        self._control.close()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        if self._groups is not None:
            self._groups.remove()

    def last_words(self) -> str:
        """The last output of bubblewrap after a failure; waits for its end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        if self._process.poll() is None or self._process.stderr is None:
            return ""
        return one_line(self._process.stderr.read(300).decode(errors="replace").strip())

    def _hand_over(self, far: socket.socket) -> None:
        try:
            socket.send_fds(self._control, [b"call"], [far.fileno()])
        except OSError as error:
            if self.condition() == "ended":
                raise SandboxGone("the sandbox no longer exists") from error
            raise NoReport("end of stream") from error


def to_reach_systemd() -> dict[str, str]:
    """What `systemd-run --user` needs; bubblewrap clears the environment."""
    names = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
    return {name: os.environ[name] for name in names if name in os.environ}
