"""A few child processes that read files, shared by everything in this process.

They cost a second to start, so they outlive a run; each ends by itself when nothing was asked of it
for a minute, when this process ends, or when a file was too much for it.
"""

import atexit
import json
import os
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.extract.readers import Kind
from langgraph_fusion.tools.extract.text import Text

_BEGIN = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from langgraph_fusion.tools.extract.worker import main; main()"
)
_AT_ONCE = max(2, min(4, os.cpu_count() or 1))
_LOOKS_EVERY_S = 0.1


class Cancelled(Exception):
    """The caller has cancelled the request."""


def extract(
    kind: Kind,
    data: bytes,
    *,
    timeout_s: float,
    cancelled: threading.Event | None = None,
    **options: Any,
) -> Text:
    """Return the text of a file, read in a child process. Blocks: for a thread.

    Raises:
        ToolFailure: `timeout` after so many seconds, `unsupported_type` and `too_large` if no text
            can be had from it, `unavailable` if no process can be started.
        Cancelled: As soon as the event is set.
    """
    header = {"kind": kind, "timeout_s": timeout_s, "options": options}
    return _pool.ask(_Job(header, data, time.monotonic() + timeout_s, cancelled))


@dataclass
class _Job:
    header: dict[str, Any]
    data: bytes
    deadline: float
    cancelled: threading.Event | None
    done: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        if self.cancelled is not None and self.cancelled.is_set():
            raise Cancelled
        if time.monotonic() > self.deadline:
            raise ToolFailure("timeout", f"Reading it took longer than {self.timeout_s:g} s.")

    @property
    def timeout_s(self) -> float:
        return float(self.header["timeout_s"])

    def end_when_over(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the process when its time is up or the request is cancelled."""
        while not self.done.wait(_LOOKS_EVERY_S):
            try:
                self.check()
            except (Cancelled, ToolFailure):
                process.kill()
                return


class _Pool:
    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._idle: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def ask(self, job: _Job) -> Text:
        self._begin_anew_if_forked()
        while not self._places.acquire(timeout=_LOOKS_EVERY_S):
            job.check()
        try:
            reply = self._exchange(job)
        finally:
            self._places.release()
        if "message" in reply:
            raise ToolFailure(reply["reason"], reply["message"])
        return Text(**reply)

    def close(self) -> None:
        """End the idle processes and wait for them."""
        if self._owner == os.getpid():
            while (process := self._take()) is not None:
                _end(process)

    def _begin_anew_if_forked(self) -> None:
        """Leave the processes to the parent; before a place is taken, as places are new too."""
        with self._lock:
            if self._owner != os.getpid():
                self._owner, self._idle = os.getpid(), []
                self._places = threading.BoundedSemaphore(_AT_ONCE)

    def _exchange(self, job: _Job) -> dict[str, Any]:
        """Send the job to an idle process, or to a new one if that has ended meanwhile."""
        while (process := self._take()) is not None:
            if (reply := self._request(process, job)) is not None:
                return reply
        reply = self._request(_started(), job)
        if reply is None:
            message = "Reading it takes too much memory, or crashes its reader."
            raise ToolFailure("unsupported_type", message)
        return reply

    def _request(self, process: subprocess.Popen[bytes], job: _Job) -> dict[str, Any] | None:
        """Return the reply, or None if the process has ended without one."""
        job.done.clear()
        watch = threading.Thread(target=job.end_when_over, args=(process,), daemon=True)
        watch.start()
        try:
            reply = _answer(process, job)
        finally:
            job.done.set()
            watch.join()
        if reply is None:
            _end(process)
            job.check()
        else:
            self._give_back(process)
        return reply

    def _take(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _give_back(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._idle.append(process)


def _started() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-c", _BEGIN, json.dumps(sys.path)]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the parent, which ends its children
            env=_environment(),
        )
    except OSError as error:
        message = "No process could be started to read it."
        raise ToolFailure("unavailable", message) from error


def _environment() -> dict[str, str]:
    """Nothing of the user's: a parser needs no keys."""
    needed = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in needed if name in os.environ}


def _answer(process: subprocess.Popen[bytes], job: _Job) -> dict[str, Any] | None:
    assert process.stdin is not None
    assert process.stdout is not None
    header = json.dumps(job.header).encode()
    try:
        process.stdin.write(struct.pack(">IQ", len(header), len(job.data)) + header)
        process.stdin.write(job.data)
        process.stdin.flush()
        length = process.stdout.read(8)
        if len(length) < 8:
            return None
        whole = process.stdout.read(struct.unpack(">Q", length)[0])
        reply: dict[str, Any] = json.loads(whole)
    except (OSError, ValueError):
        return None
    return reply


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):  # what was not yet sent cannot be
                stream.close()


_pool = _Pool()
atexit.register(_pool.close)
