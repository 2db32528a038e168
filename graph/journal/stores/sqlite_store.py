"""A store of LangGraph in a SQLite file, one batch at a time in a thread of its own.

LangGraph's `AsyncSqliteStore` goes to its thread and back for every statement, ten times a batch;
its `SqliteStore` has no asynchronous half. Here a batch is one trip. The tables are theirs.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from langgraph.store.base import BaseStore, Op, PutOp, Result
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from langgraph_fusion.graph.journal.stores import sqlite_claims
from langgraph_fusion.graph.journal.stores.claim import Claim, Entry, Write, boot_time, settle
from langgraph_fusion.graph.journal.stores.sqlite_tables import following, make_tables, run, sweep
from langgraph_fusion.sandbox.private_files import make_private_file, make_private_folder

T = TypeVar("T")
BUSY_S = 10
"""How long a process waits for another one's write."""


class SqliteInThread(BaseStore):
    """A store of which everything happens in the one thread of `thread`."""

    supports_ttl = True

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        return self._thread.submit(run, self._connection, list(ops)).result()

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await _there(self._thread, partial(run, self._connection, list(ops)))

    async def take(self, put: PutOp, expected: str) -> bool:
        work = partial(sqlite_claims.take, self._connection, put, expected)
        return await _there(self._thread, work)

    async def write(self, writes: Sequence[Write]) -> None:
        asked_at = boot_time()
        work = partial(sqlite_claims.write, self._connection, list(writes))
        valid = await _there(self._thread, work)
        settle({one.claim for one in writes if one.claim is not None}, valid, asked_at)

    async def beat(self, claims: Sequence[Claim]) -> None:
        asked_at = boot_time()
        work = partial(sqlite_claims.beat, self._connection, list(claims))
        settle(claims, await _there(self._thread, work), asked_at)

    async def following(self, space: tuple[str, ...], key: str, most: int) -> list[Entry]:
        return await _there(self._thread, partial(following, self._connection, space, key, most))

    async def now(self) -> float:
        return time.time()  # the clock of the machine that the file is on

    async def sweep_ttl(self) -> int:
        """Remove what has expired: how many items."""
        return await _there(self._thread, partial(sweep, self._connection))


@asynccontextmanager
async def sqlite_store(path: Path) -> AsyncIterator[SqliteInThread]:
    """Open a file that several processes may share, readable by its owner alone.

    Raises:
        OSError: If it cannot be made.
        sqlite3.Error: If it is no database, or no store.
    """
    make_private_folder(path.parent)
    for file in (path, *(one for one in _beside(path) if one.exists())):
        make_private_file(file)
    with ThreadPoolExecutor(1, thread_name_prefix="fusion-runs") as thread:
        connection = await _there(thread, partial(_connected, path))
        try:
            await _there(thread, partial(_set_up, connection))
            yield SqliteInThread(connection, thread)
        finally:
            await _there(thread, connection.close)


def _beside(path: Path) -> list[Path]:
    """The files that SQLite keeps beside a database, with the rights that it had."""
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]


async def _there(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)


def _set_up(connection: sqlite3.Connection) -> None:
    """Deleted text is overwritten; a commit survives the death of the process."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    together: Any = Retrying(  # two processes may make the tables at the same moment
        retry=retry_if_exception_type((sqlite3.OperationalError, sqlite3.IntegrityError)),
        stop=stop_after_attempt(10),
        wait=wait_random(0.05, 0.3),
        reraise=True,
    )
    together(make_tables, connection)
