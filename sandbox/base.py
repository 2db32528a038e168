"""The contract of a sandbox: a place where a command written by a stranger runs and hurts nobody.

    SandboxError
    ├── SandboxUnavailable    the operator acts: no engine, no image, no container
    │   └── NoEngine          none answers at all
    └── SandboxFileError      the caller acts: this file cannot be put or got

A command that fails, times out or kills its own sandbox is an `ExecResult`, never an exception; a
failure of the sandbox itself is an exception, never an `ExecResult`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

WORK_DIRECTORY = "/work"
OUT_DIRECTORY = "/work/out"


class SandboxError(Exception):
    """Anything this package raises at run time. The message names no path of the host."""


class SandboxUnavailable(SandboxError):
    """The engine, the image or the container failed; never the command."""


class NoEngine(SandboxUnavailable):
    """No engine answers at its address; one that answers and is refused is something else."""


class SandboxFileError(SandboxError):
    """A file could not be put or got: missing, no regular file, too large, or no room for it."""


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What one command did. Text is untrusted, but free of control characters."""

    exit_code: int | None
    """As a shell says it, 128 + signal number after a signal. None when the end was not seen."""
    output: str
    """stdout and stderr in the order written: all of it, or its beginning and its end."""
    truncated: bool = False
    """Whether bytes between beginning and end were left out."""
    total_bytes: int = 0
    """Bytes the command wrote while we listened."""
    timed_out: bool = False
    """Whether the command was killed because its time was up."""
    cwd: str | None = None
    """Directory the next command starts in, when known."""
    seconds: float = 0.0
    """Wall-clock time in the sandbox."""
    oom_kills: int = 0
    """Processes the kernel killed because the memory limit was reached."""
    background: int = 0
    """Processes the command left running."""
    note: str = ""
    """What the reader has to know besides, one plain sentence a line; empty when all is normal."""
    sandbox_reset: bool = False
    """Whether the sandbox was replaced by a fresh one: all files and state are lost."""


@dataclass(frozen=True, slots=True)
class SandboxFile:
    """A regular file in a sandbox. Its name is untrusted."""

    path: str
    """Relative to the directory that was listed."""
    size: int
    """Bytes, when it was listed."""


class FileList(list[SandboxFile]):
    """Regular files of a sandbox, and what is missing."""

    def __init__(self, files: Iterable[SandboxFile] = (), left_out: Iterable[str] = ()) -> None:
        super().__init__(files)
        self.left_out = tuple(left_out)
        """What was not listed and why, one untrusted but printable line each."""


@runtime_checkable
class Sandbox(Protocol):
    """One member's private machine: calls are taken one after the other, files and state persist.

    Every method waits for the start, and raises `SandboxUnavailable` if the sandbox could not be
    started, is closed, or its engine no longer answers. Cancelling a call kills what it runs.
    """

    async def run(
        self, command: str, *, timeout_s: float | None = None, restart: bool = False
    ) -> ExecResult:
        """Run a bash command where the last one left off, and return when it ends or time is up.

        Working directory and exported variables persist; processes it leaves in the background
        run on without holding the call.

        Args:
            command: Any text; it is nowhere interpreted but by bash in the sandbox.
            timeout_s: Seconds from the moment the command starts; None and unusable numbers mean
                the default, and what exceeds the sandbox's maximum is cut to it.
            restart: First kill every process and forget directory and variables; files stay.

        Raises:
            SandboxUnavailable: If the sandbox itself failed.
        """
        ...

    async def put(self, path: str, data: bytes, *, read_only: bool = False) -> None:
        """Write a file, making its directories; a relative path starts at /work.

        Raises:
            SandboxFileError: If it is too large or cannot be written.
            SandboxUnavailable: If the sandbox itself failed.
        """
        ...

    async def get(self, path: str, max_bytes: int | None = None) -> bytes:
        """Read a regular file of at most `max_bytes` (default: the sandbox's limit).

        Raises:
            SandboxFileError: If it is missing, too large or not a regular file.
            SandboxUnavailable: If the sandbox itself failed.
        """
        ...

    async def list_files(self, directory: str = OUT_DIRECTORY, *, max_files: int = 200) -> FileList:
        """List the regular files under a directory, links not followed; empty if it is missing.

        What cannot be read, lies too deep or comes after `max_files` is left out and said.

        Raises:
            SandboxFileError: If no directory can be called that.
            SandboxUnavailable: If the sandbox itself failed.
        """
        ...

    async def close(self) -> None:
        """Remove the sandbox with everything in it; doing so twice is fine. Never raises."""
        ...
