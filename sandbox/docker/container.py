"""One hardened container. Everything here blocks: call it in a thread."""

import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests
from docker import DockerClient
from docker.errors import APIError, ImageNotFound, NotFound

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.calls import Call, Condition, ReportT, SandboxGone, send
from langgraph_fusion.sandbox.docker.container_spec import FORWARDER, MAIN_USER, SUPERVISOR
from langgraph_fusion.sandbox.docker.engine_errors import ENGINE_ERRORS, asking_engine, unavailable
from langgraph_fusion.sandbox.settings import BUILD_IMAGE
from langgraph_fusion.sandbox.socket_memory import limit_sockets
from langgraph_fusion.sandbox.wire import ErrorReport, NoReport, ReportReader, parse

log = logging.getLogger(__name__)

EXIT_CODE_WAIT_S = 1.0
KILL_SETTLE_S = 0.3


@dataclass(frozen=True, slots=True)
class Engine:
    """Two clients of one engine: one with a long timeout, one for calls that never take long."""

    patient: DockerClient
    quick: DockerClient

    def close(self) -> None:
        self.patient.close()
        self.quick.close()


class Container:
    """A started container and its life-line: the engine removes it when the life-line closes.

    Args:
        uid: The user its commands run as.
    """

    def __init__(self, engine: Engine, container_id: str, life_line: Any, uid: int) -> None:
        self._engine = engine
        self._api = engine.quick.api
        self._id = container_id
        self._life_line = life_line
        self._command_user = f"{uid}:{uid}"
        self.uid = uid

    @classmethod
    def start(cls, engine: Engine, flags: dict[str, Any], uid: int) -> "Container":
        """Create and start a container; what fails half-way is removed.

        Raises:
            SandboxUnavailable: If the engine does not do it.
        """
        try:
            # Not `detach`: only an attached stdin ends with its client.
            created = engine.patient.containers.create(**flags)
            container_id = str(created.id)
            try:
                # Before start(), or what closes in between would go unseen.
                life_line = created.attach_socket(params={"stdin": 1, "stream": 1})
                created.start()
            except BaseException:
                remove(engine.patient, container_id)
                raise
        except ImageNotFound as error:
            raise SandboxUnavailable(f"The sandbox image is not built. {BUILD_IMAGE}") from error
        except ENGINE_ERRORS as error:
            raise unavailable("The Docker engine could not start a sandbox", error) from error
        return cls(engine, container_id, life_line, uid)

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
            SandboxUnavailable: If the engine does not answer.
        """
        exec_id, stream = self._start_supervisor()
        sock = plain_socket(stream)
        call.connected(sock)
        reader = ReportReader(sock, max_bytes)
        try:
            deadline = time.monotonic() + seconds
            send(sock, request, seconds)
            return parse(kind, reader.read(deadline))
        except NoReport as lost:
            log.warning("the supervisor did not report (%s): %r", lost.loss, reader.beginning)
            if lost.loss == "end of stream" and not call.cancelled:
                lost.exit_code = self._exit_code(exec_id)
            raise
        finally:
            call.disconnected()
            close_stream(stream)

    def limit_sockets(self) -> None:
        """Limit what the engine does not limit, before the first command runs.

        Raises:
            SandboxUnavailable: If it cannot be done.
        """
        try:
            with asking_engine():
                pid = self._api.inspect_container(self._id)["State"]["Pid"]
        except NotFound as error:
            raise unavailable("A sandbox ended while it started", error) from error
        if not limit_sockets(pid, self._id):
            raise SandboxUnavailable("The memory of a sandbox's sockets could not be limited.")

    def start_forwarder(self) -> None:
        """Open the way to the proxy inside the container; its commands cannot close it.

        Raises:
            SandboxUnavailable: If the engine does not do it.
        """
        try:
            with asking_engine():
                created = self._api.exec_create(
                    self._id, list(FORWARDER), user=MAIN_USER, workdir="/"
                )
                self._api.exec_start(created["Id"], detach=True)
        except NotFound as error:
            raise unavailable("A sandbox ended while it started", error) from error

    def condition(self) -> Condition:
        """Whether the container runs, has ended, or keeps the engine from handling it.

        Raises:
            SandboxUnavailable: If the engine does not answer.
        """
        try:
            with asking_engine():
                try:
                    state = self._api.inspect_container(self._id)["State"]
                except requests.exceptions.Timeout:
                    self._api.ping()
                    return "stuck"
                return "runs" if state["Running"] and not state["Paused"] else "ended"
        except NotFound:
            return "ended"

    def kill_commands(self) -> bool:
        """Kill every process of the commands' user, the supervisor included; files stay.

        Returns:
            Whether the engine did it. It cannot where commands stop every process as it starts.
        """
        kill = ["/bin/bash", "-c", "kill -9 -1"]
        try:
            created = self._api.exec_create(self._id, kill, user=self._command_user)
            self._api.exec_start(created["Id"], detach=True)
        except ENGINE_ERRORS:
            return False
        time.sleep(KILL_SETTLE_S)
        return True

    def remove(self) -> None:
        """Remove the container with everything in it. Never raises; a second time does nothing."""
        self.hang_up()
        remove(self._engine.patient, self._id)

    def hang_up(self) -> None:
        """Close the life-line, which needs no answer of the engine."""
        life_line, self._life_line = self._life_line, None
        if life_line is not None:
            close_stream(life_line)

    def _start_supervisor(self) -> tuple[str, Any]:
        try:
            with asking_engine(), self._slow_is_lost():
                created = self._api.exec_create(
                    self._id, list(SUPERVISOR), stdin=True, user=self._command_user, workdir="/"
                )
                return created["Id"], self._api.exec_start(created["Id"], socket=True)
        except NotFound as error:
            raise SandboxGone("the sandbox no longer exists") from error

    @contextlib.contextmanager
    def _slow_is_lost(self) -> Iterator[None]:
        """Tell a container in which nothing starts any more from an engine that hangs.

        Raises:
            NoReport: If the engine still answers: it is the container.
        """
        try:
            yield
        except APIError as error:
            if error.status_code != 409:
                raise
            raise SandboxGone("the sandbox has stopped") from error
        except requests.exceptions.Timeout as error:
            self._api.ping()
            raise NoReport("timeout") from error

    def _exit_code(self, exec_id: str) -> int | None:
        until = time.monotonic() + EXIT_CODE_WAIT_S
        try:
            while time.monotonic() < until:
                with asking_engine():
                    state = self._api.exec_inspect(exec_id)
                    if not state["Running"]:
                        code = state["ExitCode"]
                        return code if isinstance(code, int) and 0 <= code <= 255 else None
                time.sleep(0.05)
        except NotFound as error:
            raise SandboxGone("the sandbox was removed while the command ran") from error
        return None


def remove(client: DockerClient, container_id: str) -> None:
    """Remove a container; the life-line, its lifetime and the reaper stand behind a failure."""
    try:
        client.api.remove_container(container_id, force=True, v=True)
    except NotFound:
        return
    except ENGINE_ERRORS as error:
        # 409: its own removal is already under way
        if not (isinstance(error, APIError) and error.status_code == 409):
            unavailable(f"Sandbox {container_id[:12]} could not be removed", error)


def plain_socket(stream: Any) -> socket.socket:
    """docker-py hands out SocketIO (unix), a socket (tcp), TLS or a named pipe."""
    sock: socket.socket = getattr(stream, "_sock", stream)
    return sock


def close_stream(stream: Any) -> None:
    with contextlib.suppress(OSError):
        plain_socket(stream).shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        plain_socket(stream).close()
    with contextlib.suppress(OSError, ValueError):
        stream.close()
    response = getattr(stream, "_response", None)
    if response is not None:
        with contextlib.suppress(OSError, ValueError):
            response.close()
