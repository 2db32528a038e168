"""A tool server ends with its client, and so does whatever it started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from langgraph_fusion.tools.mcp import guard

GUARD = (sys.executable, "-I", "-S", guard.__file__)
STUBBORN = """
import os, signal, subprocess, sys, time
for number in (1, 2, 15):
    signal.signal(number, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                         start_new_session=True, stdin=-3, stdout=-3)
os.write(1, b'[%d, %d]\\n' % (os.getpid(), child.pid))
time.sleep(600)
"""
Guarded = subprocess.Popen[bytes]


def _guarded(program: str, longest: int = 100_000) -> Guarded:
    command = [*GUARD, str(longest), sys.executable, "-c", program]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _close_input(process: Guarded) -> None:
    assert process.stdin is not None
    process.stdin.close()  # as the kernel does for a client that was killed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")
@pytest.mark.parametrize(
    "end",
    [_close_input, lambda it: it.terminate(), lambda it: it.send_signal(signal.SIGINT)],
    ids=["client killed", "SIGTERM", "SIGINT"],
)
def test_nothing_is_left_of_a_server_that_ignores_every_signal(
    end: Callable[[Guarded], None],
) -> None:
    with _guarded(STUBBORN) as process:
        assert process.stdout is not None
        pids = [int(part) for part in process.stdout.readline().strip(b"[]\n").split(b",")]
        assert all(_runs(pid) for pid in pids)
        end(process)
        process.wait(30)
    assert not any(_runs(pid) for pid in pids)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PR_SET_PDEATHSIG")
def test_a_server_whose_guard_is_killed_ends_too() -> None:
    with _guarded(STUBBORN) as process:
        assert process.stdout is not None
        server, child = (int(part) for part in process.stdout.readline().strip(b"[]\n").split(b","))
        process.kill()
        process.wait(30)
        for _ in range(500):
            if not _runs(server):
                break
            time.sleep(0.01)
    os.kill(child, signal.SIGKILL)  # its own session, and nobody above it: docs say so
    assert not _runs(server)


def test_only_messages_pass_and_one_that_is_too_long_is_refused_by_its_id() -> None:
    program = """
import sys
print("Welcome!")
print('{"id": 1}')
print('{"jsonrpc":"2.0","id":7,"result":"' + "x" * 300_000 + '"}')
print(' [2]')
sys.stdout.write('{"id": 3}')
"""
    with _guarded(program) as process:
        out, _ = process.communicate(timeout=30)
    assert out.splitlines() == [
        b'{"id": 1}',
        b'{"jsonrpc":"2.0","id":7,"error":{"code":-32000,"message":"the result has more than '
        b'100000 bytes"}}',
        b" [2]",
    ]


def test_a_program_that_cannot_be_started_is_said() -> None:
    command = [*GUARD, "100", "/no/such/program"]
    ended = subprocess.run(command, input=b"", capture_output=True, timeout=30, check=False)
    assert ended.returncode == 127
    assert b"it cannot be started: No such file or directory" in ended.stderr
