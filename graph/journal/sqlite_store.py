"""LangGraph's store in a SQLite file, one batch at a time in a thread of its own.

LangGraph's `AsyncSqliteStore` goes to its thread and back for every statement, ten times a batch;
its `SqliteStore` has no asynchronous half. Here a batch is one trip, and one transaction.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from langgraph.store.base import BaseStore, Op, PutOp, Result
from langgraph.store.sqlite import SqliteStore
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from langgraph_fusion.sandbox.private_files import make_private_file, make_private_folder

T = TypeVar("T")
BUSY_S = 10
"""How long a process waits for another one's write."""
_UPDATE = """
    UPDATE store
    SET value = ?, updated_at = CURRENT_TIMESTAMP, expires_at = ?, ttl_minutes = ?
    WHERE prefix = ? AND key = ? AND json_extract(CAST(value AS TEXT), '$.text') = ?
"""


class SqliteInThread(BaseStore):
    """A store of which everything happens in the one thread of `thread`."""

    supports_ttl = True

    def __init__(self, store: SqliteStore, thread: ThreadPoolExecutor) -> None:
        self._store = store
        self._thread = thread

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        return self._thread.submit(self._batch, list(ops)).result()

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await _there(self._thread, partial(self._batch, list(ops)))

    async def compare_and_set(self, put: PutOp, expected: str) -> bool:
        """Write the item if its `text` still is `expected`: one statement, one transaction."""
        return await _there(self._thread, partial(self._compare_and_set, put, expected))

    async def sweep_ttl(self) -> int:
        """Remove what has expired: how many items."""
        return await _there(self._thread, self._store.sweep_ttl)

    def _compare_and_set(self, put: PutOp, expected: str) -> bool:
        expires = datetime.now(UTC) + timedelta(minutes=put.ttl) if put.ttl is not None else None
        where = (".".join(put.namespace), put.key, expected)
        value = json.dumps(put.value).encode()  # in bytes, as LangGraph writes it
        given = (value, expires and expires.isoformat(" "), put.ttl, *where)
        return self._store.conn.execute(_UPDATE, given).rowcount == 1

    def _batch(self, ops: Sequence[Op]) -> list[Result]:
        """Reads and writes apart: SQLite lets no reading transaction begin to write."""
        found: dict[int, Result] = {}
        for kind in (False, True):
            places = [place for place, op in enumerate(ops) if isinstance(op, PutOp) is kind]
            if places:
                done = self._store.batch([ops[place] for place in places])
                found.update(zip(places, done, strict=True))
        return [found[place] for place in range(len(ops))]


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
            store = await _there(thread, partial(_set_up, connection))
            yield SqliteInThread(store, thread)
        finally:
            await _there(thread, connection.close)


def _beside(path: Path) -> list[Path]:
    """The files that SQLite keeps beside a database, with the rights that it had."""
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]


async def _there(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)


def _set_up(connection: sqlite3.Connection) -> SqliteStore:
    """Deleted text is overwritten; a commit survives the death of the process."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    store = SqliteStore(connection)
    together: Any = Retrying(  # two processes may make the tables at the same moment
        retry=retry_if_exception_type((sqlite3.OperationalError, sqlite3.IntegrityError)),
        stop=stop_after_attempt(10),
        wait=wait_random(0.05, 0.3),
        reraise=True,
    )
    together(store.setup)
    return store
