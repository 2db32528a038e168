"""One member's sandbox: it meets the contract whatever a command does to its container."""

import asyncio
import contextlib
import logging
import math
import posixpath
from binascii import b2a_base64
from collections.abc import Callable
from contextvars import Context
from typing import Any, ParamSpec, Protocol, TypeVar

from langgraph_fusion.sandbox.base import (
    OUT_DIRECTORY,
    WORK_DIRECTORY,
    ExecResult,
    FileList,
    SandboxFile,
    SandboxFileError,
    SandboxUnavailable,
)
from langgraph_fusion.sandbox.calls import Call, SandboxGone, SupervisedContainer
from langgraph_fusion.sandbox.command_environment import command_environment
from langgraph_fusion.sandbox.exec_result import (
    healed_result,
    one_line,
    printable,
    refused_result,
    replaced_result,
    result_of,
    why_lost,
)
from langgraph_fusion.sandbox.futures import retrieve_exception
from langgraph_fusion.sandbox.network.proxy import AllowListProxy
from langgraph_fusion.sandbox.settings import SandboxSettings
from langgraph_fusion.sandbox.wire import (
    MAX_LISTED,
    ErrorReport,
    GetReport,
    ListReport,
    NoReport,
    PutReport,
    Report,
    RunReport,
)

log = logging.getLogger(__name__)

MIB = 1 << 20
REPORT_GRACE_S = 10.0
FILE_CALL_S = 30.0
CANCEL_WAIT_S = 5.0
MAX_COMMAND_BYTES = 256 * 1024
MAX_PATH_BYTES = 4096
MAX_REPLACEMENTS = 3
SMALL_REPORT_BYTES = MIB
# The engine could not start the supervisor: no process or no memory was left for it.
NEVER_STARTED = (126, 127)

T = TypeVar("T")
P = ParamSpec("P")
ReportT = TypeVar("ReportT", bound=Report)


class Workshop(Protocol):
    """What a sandbox needs of the pool that made it."""

    settings: SandboxSettings
    creating: asyncio.Semaphore

    def in_thread(
        self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Future[T]": ...

    def proxy(self) -> AllowListProxy | None: ...

    def start_container(self, member: str, proxy_directory: str | None) -> SupervisedContainer: ...


class MemberSandbox:
    """Starts in the background when made; made by `SandboxPool.start`, and closed with the pool."""

    def __init__(self, pool: Workshop, member: str) -> None:
        self._pool = pool
        self._settings = pool.settings
        self._member = member
        self._container: SupervisedContainer | None = None
        self._proxy: AllowListProxy | None = None
        self._proxy_directory: str | None = None
        self._closed = False
        self._replacements = 0
        self._lock = asyncio.Lock()
        self._call: Call | None = None
        self._doing: asyncio.Future[Any] | None = None
        loop = asyncio.get_running_loop()  # a context of its own: ours holds the run's texts
        self._started = loop.create_task(self._start(), context=Context())
        self._started.add_done_callback(retrieve_exception)

    async def run(
        self, command: str, *, timeout_s: float | None = None, restart: bool = False
    ) -> ExecResult:
        """See `Sandbox.run`."""
        size = len(command.encode("utf-8", "surrogatepass"))
        if size > MAX_COMMAND_BYTES:
            return refused_result(
                f"the command has {size} bytes, at most {MAX_COMMAND_BYTES} are taken; "
                "it did not run. Write a file in parts"
            )
        request = {
            "op": "run",
            "command": command,
            "timeout": self._seconds(timeout_s),
            "restart": restart,
            "head": self._settings.head_bytes,
            "tail": self._settings.tail_bytes,
            "env": command_environment(self._settings),
        }
        return await self._in_thread(lambda call: self._run(request, call))

    async def put(self, path: str, data: bytes, *, read_only: bool = False) -> None:
        """See `Sandbox.put`."""
        if len(data) > self._settings.max_file_mb * MIB:
            raise SandboxFileError(
                f"{path!r} has {len(data)} bytes, the limit is {self._settings.max_file_mb} MiB"
            )
        text = b2a_base64(data, newline=False).decode()
        mode = 0o444 if read_only else 0o644
        request = {"op": "put", "path": sandbox_path(path), "data": text, "mode": mode}
        await self._in_thread(lambda call: self._file_call(PutReport, request, call))

    async def get(self, path: str, max_bytes: int | None = None) -> bytes:
        """See `Sandbox.get`."""
        most = self._settings.max_file_mb * MIB
        limit = most if max_bytes is None else max(0, min(max_bytes, most))
        request = {"op": "get", "path": sandbox_path(path), "max": limit}
        room = limit * 4 // 3 + SMALL_REPORT_BYTES
        report = await self._in_thread(lambda call: self._file_call(GetReport, request, call, room))
        if len(report.data) > limit:
            raise SandboxFileError(f"{path!r} is larger than {limit} bytes")
        return report.data

    async def list_files(self, directory: str = OUT_DIRECTORY, *, max_files: int = 200) -> FileList:
        """See `Sandbox.list_files`."""
        most = max(0, min(max_files, MAX_LISTED))
        request = {"op": "list", "path": sandbox_path(directory), "max": most}
        room = SMALL_REPORT_BYTES + most * 3 * MAX_PATH_BYTES  # escaped in JSON
        report = await self._in_thread(
            lambda call: self._file_call(ListReport, request, call, room)
        )
        files = [SandboxFile(path, size) for path, size in report.files[:most]]
        return FileList(files, map(one_line, report.left_out))

    async def close(self) -> None:
        """See `Sandbox.close`."""
        self.hang_up()
        with contextlib.suppress(SandboxUnavailable):
            await asyncio.shield(self._started)
        if self._doing is not None:
            await asyncio.wait([self._doing], timeout=CANCEL_WAIT_S)
        container, self._container = self._container, None
        if container is not None:
            await self._pool.in_thread(container.remove)
        if self._proxy is not None:
            await self._proxy.close()

    def hang_up(self) -> None:
        """Close the container's life-line at once, without a call to the engine."""
        self._closed = True
        if self._call is not None:
            self._call.cancel()
        if self._container is not None:
            self._container.hang_up()

    def _seconds(self, timeout_s: float | None) -> float:
        if timeout_s is None or not (math.isfinite(timeout_s) and timeout_s > 0):
            return self._settings.timeout_s
        return min(timeout_s, self._settings.max_timeout_s)

    async def _start(self) -> None:
        self._proxy = self._pool.proxy()
        if self._proxy is not None:
            self._proxy_directory = await self._proxy.start()
        async with self._pool.creating:
            await self._pool.in_thread(self._create)

    async def _in_thread(self, work: Callable[[Call], T]) -> T:
        """Do blocking work that hangs up when we are cancelled; one at a time."""
        async with self._lock:
            await self._wait_until_started()
            self._call = call = Call()
            self._doing = doing = self._pool.in_thread(work, call)
            doing.add_done_callback(retrieve_exception)
            try:
                return await asyncio.shield(doing)
            except asyncio.CancelledError:
                call.cancel()
                await asyncio.wait([doing], timeout=CANCEL_WAIT_S)
                raise
            finally:
                self._call = None

    async def _wait_until_started(self) -> None:
        try:
            await asyncio.shield(self._started)
        except SandboxUnavailable as error:
            raise SandboxUnavailable(str(error)) from error
        self._check_open()

    # Everything below blocks, and runs in the pool's threads.

    def _check_open(self) -> None:
        if self._closed:
            raise SandboxUnavailable("The sandbox is closed.")

    def _create(self) -> None:
        self._check_open()
        self._container = self._pool.start_container(self._member, self._proxy_directory)
        if self._closed:
            self._container.remove()
            self._check_open()

    def _replace(self, *, lost: bool) -> None:
        """Start a fresh container.

        Args:
            lost: Whether the container ended, which no command can bring about; that counts. What
                a command has made unusable is replaced as often as commands do that.
        """
        self._opened.remove()
        self._replacements += lost
        if self._replacements > MAX_REPLACEMENTS:
            self._closed = True
            raise SandboxUnavailable(
                f"The sandbox had to be replaced {MAX_REPLACEMENTS} times in a row."
            )
        self._create()

    @property
    def _opened(self) -> SupervisedContainer:
        if self._container is None:
            raise SandboxUnavailable("The sandbox is closed.")
        return self._container

    def _run(self, request: dict[str, Any], call: Call) -> ExecResult:
        try:
            report = self._run_once(request, call)
        except SandboxGone as gone:
            self._check_open()
            self._replace(lost=True)
            return replaced_result(f"{gone}; the command did not run")
        except NoReport as lost:
            return self._recover(request, call, lost)
        self._replacements = 0
        return result_of(report)

    def _run_once(self, request: dict[str, Any], call: Call) -> RunReport:
        """The command's report.

        Raises:
            NoReport: Also if it is an error or beyond what was asked for: a command has the
                supervisor's uid, and what breaks it down is a command's doing.
        """
        room = 2 * (request["head"] + request["tail"]) + SMALL_REPORT_BYTES
        seconds = request["timeout"] + REPORT_GRACE_S
        report = self._opened.ask(RunReport, request, seconds=seconds, max_bytes=room, call=call)
        if isinstance(report, ErrorReport):
            log.warning("the supervisor failed: %s", one_line(report.error))
            raise NoReport("no report")
        if not report.fits(
            head=request["head"],
            tail=request["tail"],
            seconds=seconds,
            processes=self._settings.max_processes,
        ):
            log.warning("a report says more than can be true")
            raise NoReport("no report")
        return report

    def _recover(self, request: dict[str, Any], call: Call, lost: NoReport) -> ExecResult:
        """Make the sandbox usable again after a command took its supervisor down."""
        self._check_open()
        if call.cancelled:
            return ExecResult(None, "")
        condition = self._opened.condition()
        if condition == "ended":
            self._replace(lost=True)
            return replaced_result("the sandbox died while the command ran", lost)
        if condition == "stuck" or not self._heal():
            self._replace(lost=False)
            return replaced_result(f"{why_lost(lost)} and the sandbox stayed unusable", lost)
        if lost.exit_code in NEVER_STARTED and not call.cancelled:
            with contextlib.suppress(NoReport, SandboxGone):
                return result_of(self._run_once(request, call))
        return healed_result(lost)

    def _heal(self) -> bool:
        """Kill every process of the commands; say whether a command can run again."""
        if not self._opened.kill_commands():
            return False
        # Forgets the state as well, if it was that which brought the supervisor down.
        for restart in (False, True):
            request = {"op": "run", "command": "true", "timeout": 5, "restart": restart}
            request |= {"head": 1, "tail": 1, "env": {}}
            try:
                self._run_once(request, Call())
            except SandboxGone:
                return False
            except NoReport as lost:
                if lost.loss == "timeout":
                    return False
            else:
                return True
        return False

    def _file_call(
        self,
        kind: type[ReportT],
        request: dict[str, Any],
        call: Call,
        max_bytes: int = SMALL_REPORT_BYTES,
    ) -> ReportT:
        try:
            report = self._opened.ask(
                kind, request, seconds=FILE_CALL_S, max_bytes=max_bytes, call=call
            )
        except SandboxGone as gone:
            self._check_open()
            self._replace(lost=True)
            raise SandboxFileError(f"{gone}; it was replaced, all files are lost") from gone
        except NoReport as lost:
            self._recover_files(call)
            raise SandboxFileError("the sandbox did not answer; try again") from lost
        if isinstance(report, ErrorReport):
            raise SandboxFileError(f"{request['path']!r}: {printable(report.error).strip()}")
        return report

    def _recover_files(self, call: Call) -> None:
        self._check_open()
        if call.cancelled:
            return
        condition = self._opened.condition()
        if condition == "runs" and self._heal():
            return
        self._replace(lost=condition == "ended")
        raise SandboxFileError("the sandbox had to be replaced, all files are lost")


def sandbox_path(path: str) -> str:
    """The absolute path inside the sandbox.

    Raises:
        SandboxFileError: If no file can be called that.
    """
    try:
        size = len(path.encode())
    except UnicodeEncodeError as error:
        raise SandboxFileError("the path is not UTF-8") from error
    if not path or "\0" in path or size > MAX_PATH_BYTES:
        raise SandboxFileError(f"no file can be called {path[:100]!r}")
    return posixpath.join(WORK_DIRECTORY, path)
