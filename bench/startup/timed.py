"""One command from its start to its end: when it spoke, called, answered and was gone."""

import os
import pty
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from select import select


@dataclass(frozen=True)
class Timed:
    """Seconds after the start, and CPU of the process with its children."""

    first_word_s: float
    """First byte on the terminal or in the pipe."""
    last_word_s: float
    """Last byte: the answer is there."""
    end_s: float
    cpu_s: float
    began: float
    """`time.monotonic()`, to be compared with the model server's."""


def timed(command: Sequence[str], env: Mapping[str, str], *, terminal: bool = False) -> Timed:
    """Run the command with its output in a pipe, or with a terminal for all its streams.

    Raises:
        RuntimeError: If it fails.
    """
    near, far = pty.openpty() if terminal else os.pipe()
    before, began = cpu_s(), time.monotonic()
    given = far if terminal else subprocess.DEVNULL
    process = subprocess.Popen(
        command, stdin=given, stdout=far, stderr=far if terminal else None, env=env
    )
    os.close(far)
    words: list[float] = []
    while select([near], [], [], 0.001)[0] or process.poll() is None:
        if not _read(near):
            break
        words.append(time.monotonic() - began)
    code = process.wait()
    end_s = time.monotonic() - began
    os.close(near)
    if code or not words:
        raise RuntimeError(f"{command[0]} ended with exit code {code} and said nothing")
    return Timed(words[0], words[-1], end_s, cpu_s() - before, began)


def _read(near: int) -> bytes:
    try:
        return os.read(near, 65536)
    except OSError:  # EIO: the terminal's other side is closed
        return b""


def cpu_s() -> float:
    """CPU of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
