"""Keys and charges in one SQLite file, which several processes of a machine may use.

The file is opened anew for each transaction, in a thread, so that one that is replaced is noticed.

Not covered: who may read the file (it is created for its owner only), and keys in a proxy's log.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.sandbox.private_files import make_private_file, make_private_folder
from langgraph_fusion.server.keys.database import Dialect, KeysUnavailable, Steps, T

_TABLES = """
create table if not exists keys (
  id text primary key, name text not null unique, sha256 text not null, created real not null,
  per_day_usd real, total_usd real, per_run_usd real, per_minute integer
);
create table if not exists charges (
  id integer primary key, key text not null, at real not null, usd real not null,
  settled integer not null default 0
);
create index if not exists charges_of_key on charges (key, at);
create index if not exists charges_under_way on charges (key) where settled = 0;
"""
_ADDED_COLUMNS = {
    "keys": {
        "for_metrics": "integer not null default 0",
        "at_once": "integer",
        "priority": "integer",
    },
    "charges": {
        "runs": "integer not null default 1",
        "priority": "integer not null default 0",
        "stage": "integer not null default 2",
        "lease_until": "real not null default 0",
    },
}
"""By table: what files of earlier versions lack."""
_WAIT_S = 10.0
"""For other processes that write."""


class SqliteDatabase:
    """One file."""

    dialect = Dialect(
        clock="select now, cast(now / 86400 as integer) * 86400.0 as today "
        "from (select (julianday('now') - 2440587.5) * 86400.0 as now)",
        lock_key="select id from keys where id = ?",  # a transaction has the file to itself
        lock_all="select 1",
    )

    def __init__(self, path: Path) -> None:
        self._path = path

    @asynccontextmanager
    async def open(self, *, patient: bool = False) -> AsyncIterator[None]:
        """Make the file and its tables if they are not there.

        Raises:
            ConfigError: If it cannot be made, or is another user's and open to others.
        """
        await asyncio.to_thread(self._create)
        yield

    async def run(self, steps: Steps[T], *, read_only: bool = False) -> T:
        """Run one transaction; it is finished also when whoever waits for it is cancelled."""
        return await asyncio.to_thread(self._run, steps, "deferred" if read_only else "immediate")

    def _create(self) -> None:
        try:
            make_private_folder(self._path.parent)
            make_private_file(self._path)
            with self._connected() as db:
                db.executescript(_TABLES)
                db.execute("begin immediate")
                for table, columns in _ADDED_COLUMNS.items():
                    known = {row["name"] for row in db.execute(f"pragma table_info({table})")}
                    for name in columns.keys() - known:
                        db.execute(f"alter table {table} add column {name} {columns[name]}")
        except (OSError, sqlite3.Error) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise ConfigError(why, field=f"keys {self._path}") from None

    def _run(self, steps: Steps[T], how: str) -> T:
        try:
            with self._connected() as db:
                db.execute(f"begin {how}")
                return _finish(steps, db)
        except (OSError, sqlite3.Error) as error:
            raise KeysUnavailable(f"the file of keys cannot be used: {error}") from error

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=_WAIT_S)
        db.row_factory = sqlite3.Row
        try:
            with db:
                yield db
        finally:
            db.close()


def _finish(steps: Steps[T], db: sqlite3.Connection) -> T:
    try:
        statement = next(steps)
        while True:
            statement = steps.send(db.execute(*statement).fetchall())
    except StopIteration as done:
        value: T = done.value
        return value
