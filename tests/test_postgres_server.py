"""The database of the tests leaves nothing behind, however the tests end."""

import subprocess
import sys
import time
from pathlib import Path

from tests.postgres_server import postgres_server

_KILLED = """
import os, signal
from tests.postgres_server import postgres_server
with postgres_server() as url:
    print(url, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_database_ends_with_the_process_that_was_killed() -> None:
    with postgres_server() as url:
        assert _folder(url).exists(), "it can be had here, or this test is skipped"
    assert not _folder(url).exists()
    killed = subprocess.run([sys.executable, "-c", _KILLED], capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr
    folder = _folder(killed.stdout.strip())
    while folder.exists():
        time.sleep(0.05)


def _folder(url: str) -> Path:
    return Path(url.partition("host=")[2])
