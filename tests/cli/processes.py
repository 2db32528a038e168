"""Commands as a user runs them: in a pipe, or in a terminal of a given size."""

import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from select import select

ROOT = Path(__file__).parents[2]
# What tests have started dies when they are killed.
DIES_WITH_US: tuple[str, ...] = (
    ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
)
FUSION: tuple[str, ...] = (*DIES_WITH_US, sys.executable, "-m", "langgraph_fusion.cli")
REPLAY = (*DIES_WITH_US, sys.executable, "-m", "tests.cli.replay")
_KEYS = ("_API_KEY", "_BASE_URL", "FUSION_", "OLLAMA_", "NO_COLOR", "FORCE_COLOR", "TERM")


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without keys, addresses and the terminal's own wishes."""
    own = {"COLUMNS", "LINES"}  # of the terminal that the tests were started in
    kept = {
        k: v for k, v in os.environ.items() if k not in own and not any(part in k for part in _KEYS)
    }
    return kept | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"} | dict(changes or {})


def run(
    *command: str,
    stdin: str = "",
    cwd: Path = ROOT,
    timeout_s: float = 60,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a pipe until it ends."""
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(env),
        timeout=timeout_s,
        check=False,
    )


@dataclass
class InTerminal:
    """A command that runs in a terminal, and all it has written to it."""

    process: subprocess.Popen[bytes]
    master: int
    raw: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> str:
        return self.raw.decode(errors="replace")

    def read_until(self, expected: str, timeout_s: float = 30, *, after: int = 0) -> None:
        """Read until the text has been written after so many characters of `text`.

        Fails when the command ends or time is up.
        """
        end = time.monotonic() + timeout_s
        while expected not in self.text[after:]:
            running = self._read() or self.process.poll() is None
            waiting = running and time.monotonic() < end
            assert waiting, f"no {expected!r}: {self.text[-2000:]!r}"

    def wait(self, timeout_s: float = 30) -> int:
        """Read to the end and return the exit code."""
        end = time.monotonic() + timeout_s
        while self.process.poll() is None:
            assert time.monotonic() < end, f"still running: {self.text[-2000:]!r}"
            self._read()
        while self._read():
            pass
        return self.process.returncode

    def _read(self) -> bool:
        if not select([self.master], [], [], 0.1)[0]:
            return False
        with suppress(OSError):  # EIO: the other side is closed
            data = os.read(self.master, 65536)
            self.raw += data
            return bool(data)
        return False


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches the process


@contextmanager
def in_terminal(
    *command: str, columns: int = 100, rows: int = 40, env: Mapping[str, str] | None = None
) -> Iterator[InTerminal]:
    """Run a command with a terminal as its standard streams, and as the one that controls it."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=ROOT,
        env=environment(env),
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(slave)
    try:
        yield InTerminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
