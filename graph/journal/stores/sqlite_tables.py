"""The tables of LangGraph's `SqliteStore`, read and written without it.

A file that LangGraph made is read, and LangGraph reads ours. Its own class loads numpy for a search
by vectors that no run asks for, before a command can say its first word. Searches know equality of
the members of an item, as the journal asks for it; nothing lists namespaces.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from langgraph.store.base import GetOp, Item, Op, PutOp, Result, SearchItem, SearchOp

_VERSIONS = (
    """CREATE TABLE IF NOT EXISTS store (
        prefix text NOT NULL,
        key text NOT NULL,
        value text NOT NULL,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        PRIMARY KEY (prefix, key)
    )""",
    "CREATE INDEX IF NOT EXISTS store_prefix_idx ON store (prefix)",
    "ALTER TABLE store ADD COLUMN expires_at TIMESTAMP",
    "ALTER TABLE store ADD COLUMN ttl_minutes REAL",
    """CREATE INDEX IF NOT EXISTS idx_store_expires_at ON store (expires_at)
    WHERE expires_at IS NOT NULL""",
)
"""Each makes of a file of the version before one of this version; LangGraph counts from 0."""
_GET = "SELECT value, created_at, updated_at FROM store WHERE prefix = ? AND key = ?"
_SEARCH = "SELECT prefix, key, value, created_at, updated_at FROM store WHERE {} \
ORDER BY updated_at DESC LIMIT ? OFFSET ?"
_FOLLOWING = "SELECT key, value FROM store WHERE prefix = ? AND key > ? ORDER BY key LIMIT ?"
_BELOW = "(prefix = ? OR substr(prefix, 1, ?) = ?)"
_MEMBER = "json_extract(CAST(value AS TEXT), ?) IS ?"
NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
"""UTC, as LangGraph writes it, with milliseconds."""
_INTO = f"""INTO store (prefix, key, value, created_at, updated_at, expires_at, ttl_minutes)
    VALUES (?, ?, ?, {NOW}, {NOW}, ?, ?)"""
_PUT = f"INSERT OR REPLACE {_INTO}"
_MAKE = f"INSERT OR IGNORE {_INTO}"
_DELETE = "DELETE FROM store WHERE prefix = ? AND key = ?"
_SWEEP = "DELETE FROM store WHERE expires_at IS NOT NULL AND expires_at < CURRENT_TIMESTAMP"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")


def make_tables(connection: sqlite3.Connection) -> None:
    """Make what is missing; a file of an older version is brought to this one."""
    connection.execute("CREATE TABLE IF NOT EXISTS store_migrations (v INTEGER PRIMARY KEY)")
    (last,) = connection.execute("SELECT max(v) FROM store_migrations").fetchone()
    for version in range(0 if last is None else last + 1, len(_VERSIONS)):
        connection.execute(_VERSIONS[version])
        connection.execute("INSERT INTO store_migrations (v) VALUES (?)", (version,))


def run(connection: sqlite3.Connection, ops: Sequence[Op]) -> list[Result]:
    """Do operations in their order, those that read in one transaction and then those that write.

    They are apart because SQLite lets no reading transaction begin to write.
    """
    puts = [op for op in ops if isinstance(op, PutOp)]
    found: list[Result] = [None] * len(ops)
    if len(puts) < len(ops):
        with transaction(connection):
            found = [None if isinstance(op, PutOp) else _read(connection, op) for op in ops]
    if puts:
        with transaction(connection, writes=True):
            for put in puts:
                put_item(connection, put)
    return found


def following(
    connection: sqlite3.Connection, space: tuple[str, ...], key: str, most: int
) -> list[tuple[str, dict[str, Any]]]:
    """The next items of a namespace after a key, in the order of their keys."""
    rows = connection.execute(_FOLLOWING, (namespace_text(space), key, most)).fetchall()
    return [(found, json.loads(value)) for found, value in rows]


def sweep(connection: sqlite3.Connection) -> int:
    """Remove what has expired: how many items."""
    return connection.execute(_SWEEP).rowcount


def put_item(connection: sqlite3.Connection, put: PutOp) -> None:
    """Write an item, or remove it."""
    if put.value is None:
        connection.execute(_DELETE, (namespace_text(put.namespace), put.key))
    else:
        connection.execute(_PUT, _row(put))


def make_item(connection: sqlite3.Connection, put: PutOp) -> None:
    """Write an item, unless it is there."""
    connection.execute(_MAKE, _row(put))


def namespace_text(namespace: tuple[str, ...]) -> str:
    """The name of a namespace, as it stands in the tables."""
    return ".".join(namespace)


def encoded(value: Any) -> bytes:
    """The JSON of a value in bytes, as LangGraph writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def expiry(minutes: float | None) -> str | None:
    """When an item expires that is written now."""
    if minutes is None:
        return None
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(" ")


@contextmanager
def transaction(connection: sqlite3.Connection, *, writes: bool = False) -> Iterator[None]:
    """Begin, and commit at the end of the block; one that writes has the file from the start."""
    connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _read(connection: sqlite3.Connection, op: Op) -> Result:
    if isinstance(op, GetOp):
        row = connection.execute(_GET, (namespace_text(op.namespace), op.key)).fetchone()
        return None if row is None else Item(**_fields(op.namespace, op.key, *row))
    if isinstance(op, SearchOp) and not op.query:
        rows = connection.execute(*_search(op)).fetchall()
        return [SearchItem(**_fields(tuple(space.split(".")), *rest)) for space, *rest in rows]
    raise NotImplementedError(f"the store of runs does not know {type(op).__name__}")


def _search(op: SearchOp) -> tuple[str, list[Any]]:
    """The statement of a search, and what it is given."""
    conditions, given = ["TRUE"], list[Any]()
    if op.namespace_prefix:
        space = namespace_text(op.namespace_prefix)
        conditions.append(_BELOW)
        given += [space, len(space) + 1, f"{space}."]
    for name, value in (op.filter or {}).items():
        if not _PLAIN_NAME.fullmatch(name) or not isinstance(value, str | int | float | None):
            raise ValueError(f"{name}: runs are searched by plain members of their items")
        conditions.append(_MEMBER)
        given += [f"$.{name}", value]
    return _SEARCH.format(" AND ".join(conditions)), [*given, op.limit, op.offset]


def _fields(
    namespace: tuple[str, ...], key: str, value: Any, created_at: Any, updated_at: Any
) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "key": key,
        "value": json.loads(value),
        "created_at": created_at,
        "updated_at": updated_at,
    }


def _row(put: PutOp) -> tuple[Any, ...]:
    place = (namespace_text(put.namespace), put.key)
    return (*place, encoded(put.value), expiry(put.ttl), put.ttl)
