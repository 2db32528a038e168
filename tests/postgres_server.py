"""A real PostgreSQL of the machine's own packages, in a folder of its own, while tests run."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REQUIRED = "REQUIRE_POSTGRES"
"""With this variable set, tests fail instead of being skipped."""
_ROOT = Path("/usr/lib/postgresql")
_OPTIONS = ("-c", "listen_addresses=", "-c", "fsync=off")
_READY_S = 60
_GUARD = '"$@" & read -r line; kill -QUIT $!; wait $!; rm -rf "$0"'
"""`$0` is the folder. SIGQUIT is PostgreSQL's immediate shutdown."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty database of a server that lives as long as the tests."""
    with postgres_server() as url:
        yield url


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start the server; yields the URL of an empty database. It ends with this process at last."""
    programs = _programs()
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="fusion-pg-", dir="/tmp"))
    if user:
        shutil.chown(folder, user)
    try:
        data = folder / "data"
        made = ("-D", data, "-A", "trust", "-E", "UTF8", "-U", "fusion", "--no-sync")
        assert _run(user, programs / "initdb", *made) == 0
        with _guarded(user, folder, programs / "postgres", "-D", data, *_OPTIONS, "-k", folder):
            yield f"postgresql://fusion@/postgres?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _guarded(user: str | None, folder: Path, *server: object) -> Iterator[None]:
    """A server that ends, with its folder, when this process closes the guard's input or is gone.

    The guard has the folder's log as its output, so that it holds no pipe of a test run open.
    """
    words = [str(one) for one in ("sh", "-c", _GUARD, folder, *server)]
    with (folder / "log").open("wb") as log:
        guard = subprocess.Popen(
            words, user=user, cwd="/", stdin=subprocess.PIPE, stdout=log, stderr=log,
            start_new_session=True, env=_environment(),
        )  # fmt: skip
    assert guard.stdin is not None
    try:
        ready = (Path(words[4]).with_name("pg_isready"), "-q", "-h", folder)
        until = time.monotonic() + _READY_S
        while _run(user, *ready):
            log_text = (folder / "log").read_text(errors="replace")
            assert guard.poll() is None, log_text
            assert time.monotonic() < until, log_text
            time.sleep(0.05)
        yield
    finally:
        guard.stdin.close()
        guard.wait()


def _programs() -> Path:
    found = sorted(_ROOT.glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    why = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    if os.environ.get(REQUIRED):
        pytest.fail(why)
    pytest.skip(why)


def _user() -> str | None:
    """The server refuses to run as root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _run(user: str | None, *command: object) -> int:
    ran = subprocess.run(
        [str(part) for part in command],
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        check=False,
        env=_environment(),
    )
    return ran.returncode


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C"}
