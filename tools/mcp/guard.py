"""Run a tool server, and end it with all that it started as soon as its client is gone.

    python -I -S guard.py LONGEST_LINE COMMAND [ARGUMENT...]

It stands between the two: what comes in goes to the server, and of what the server prints the lines
that are messages go back, none longer than so many bytes. When standard input ends, however the
client ended, or on SIGTERM, the server gets a moment and is then killed with its descendants, those
that left its session included (Linux; elsewhere its process group). Nothing of ours is imported.

Not covered: a guard that is itself killed by SIGKILL takes the server with it on Linux, but not
what the server started.
"""

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

GRACE_S = 1.0
"""To end by itself when its input has ended: the MCP specification's way to stop a server."""
CHUNK = 65536
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
_ID = re.compile(rb'"id"\s*:\s*(\d{1,15})')


def main() -> None:
    longest, command = int(sys.argv[1]), sys.argv[2:]
    prctl = _prctl()
    prctl(_SET_CHILD_SUBREAPER, 1)
    child: subprocess.Popen[bytes] | None = None
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os._exit(_kill_all(child)))
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=lambda: prctl(_SET_PDEATHSIG, signal.SIGKILL),
            start_new_session=True,
        )
    except OSError as error:
        print(f"it cannot be started: {error.strerror}", file=sys.stderr)
        sys.exit(127)
    threading.Thread(target=_feed, args=(child,), daemon=True).start()
    with suppress(OSError):  # the client has gone
        _pass_on(child, longest)
    os._exit(_kill_all(child))


def _feed(child: "subprocess.Popen[bytes]") -> None:
    """Give the server its input; at the end of it a moment, and then nothing more."""
    assert child.stdin is not None
    with suppress(OSError):
        while data := os.read(0, CHUNK):
            child.stdin.write(data)
            child.stdin.flush()
    with suppress(OSError):
        child.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_S)
    os._exit(_kill_all(child))


def _pass_on(child: "subprocess.Popen[bytes]", longest: int) -> None:
    """Lines that are messages; for one that is too long, an error with its id."""
    assert child.stdout is not None
    line, dropping = b"", False
    while data := os.read(child.stdout.fileno(), CHUNK):
        *whole, rest = data.split(b"\n")
        for part in whole:
            if not dropping:
                _send(line + part)
            line, dropping = b"", False
        if not dropping:
            line += rest
        if len(line) > longest:
            _refuse(line, longest)
            line, dropping = b"", True


def _send(line: bytes) -> None:
    if line.lstrip().startswith((b"{", b"[")):  # others are what programs print by mistake
        _write(line + b"\n")


def _refuse(line: bytes, longest: int) -> None:
    if found := _ID.search(line[:300]):
        why = b'"error":{"code":-32000,"message":"the result has more than %d bytes"}' % longest
        _write(b'{"jsonrpc":"2.0","id":%s,%s}\n' % (found[1], why))


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def _kill_all(child: "subprocess.Popen[bytes] | None") -> int:
    """Kill the server and its descendants; its exit code."""
    if child is not None:
        with suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        for _ in range(100):  # killing one makes us the parent of what it had started
            below = _descendants()
            if not below:
                break
            for pid in below:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(OSError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.005)
    return child.returncode or 0 if child is not None else 0


def _descendants() -> set[int]:
    """Ids of all processes below this one that still run."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(folder.name)] = int(parent)
    found, new = set[int](), {os.getpid()}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def _prctl() -> Callable[[int, int], Any]:
    """Linux's call, or one that does nothing."""
    if not sys.platform.startswith("linux"):
        return lambda _option, _value: 0
    return ctypes.CDLL(None, use_errno=True).prctl


if __name__ == "__main__":
    main()
