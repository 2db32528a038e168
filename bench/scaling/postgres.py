"""A PostgreSQL of the machine's own packages, in a folder of its own, for the length of a block."""

import asyncio
import os
import pwd
import shutil
import socket
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

_ROOT = Path("/usr/lib/postgresql")
_WITHIN_S = 60


class Postgres:
    """A server on a port of this machine, with its defaults: a commit is on the disk."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pid = 0
        """Of the process whose children all others are."""
        self._names = (f"bench{number}" for number in count(1))

    def url(self, name: str, port: int | None = None) -> str:
        """The URL of a database, perhaps through another port."""
        return f"postgresql://fusion@127.0.0.1:{port or self.port}/{name}"

    async def new_database(self) -> str:
        """Make an empty database; returns its name."""
        name = next(self._names)
        await self.ask("postgres", f"create database {name}")
        return name

    async def ask(self, name: str, statement: str) -> list[Any]:
        """The rows that a statement returns, in a connection of its own."""
        connecting = psycopg.AsyncConnection.connect(self.url(name), autocommit=True)
        async with await connecting as connection:
            cursor = await connection.execute(statement.encode())
            return await cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[Postgres]:
    """Start a server whose files are in this folder.

    Raises:
        RuntimeError: If it is not installed, or does not start.
    """
    programs, user = _programs(), _user()
    data = folder / "postgres"
    data.mkdir()
    if user:
        shutil.chown(data, user)
        folder.chmod(0o755)
    made = await _started(
        user, programs / "initdb", "-D", data, "-A", "trust", "-E", "UTF8", "-U", "fusion",
        "--no-sync", "--no-instructions",
    )  # fmt: skip
    if await made.wait():
        raise RuntimeError("initdb failed")
    server = Postgres(_free_port())
    process = await _started(
        user, programs / "postgres", "-D", data, "-p", server.port, "-k", data,
        "-c", "listen_addresses=127.0.0.1",
    )  # fmt: skip
    server.pid = process.pid
    try:
        await _answering(server)
        yield server
    finally:
        process.terminate() if process.returncode is None else None
        await asyncio.shield(_gone(process))


async def _gone(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), 1)
    except TimeoutError:  # connections are open: it waits for them
        process.send_signal(3)
        await process.wait()


def _programs() -> Path:
    found = sorted(_ROOT.glob("*/bin/initdb"))
    if not found:
        raise RuntimeError("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return found[-1].parent


def _user() -> str | None:
    """The server refuses to run as root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def _started(user: str | None, *command: object) -> asyncio.subprocess.Process:
    words = ["setpriv", "--pdeathsig", "QUIT", *map(str, command)]
    return await asyncio.create_subprocess_exec(
        *words, user=user, cwd="/", stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, start_new_session=True,
    )  # fmt: skip


async def _answering(server: Postgres) -> None:
    async with asyncio.timeout(_WITHIN_S):
        while True:
            try:
                await server.ask("postgres", "select 1")
            except psycopg.OperationalError:
                await asyncio.sleep(0.1)
            else:
                return
