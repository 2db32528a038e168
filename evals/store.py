"""What an evaluation has paid for, under the hash of everything that went into it.

A SQLite file. Kinds: `member` (what a member's node returned), `deliberation` (what all nodes
before the writer returned), `answer`, `trace`, `verdict`. Nothing in it is ever changed: other
inputs have another key. It holds rubric data (judges restate criteria) and texts of untrusted
pages, never a key of a provider.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from langgraph_fusion.graph.errors import ConfigError

Kind = Literal["member", "deliberation", "answer", "trace", "verdict"]
BUSY_S = 10
_TABLE = """
    CREATE TABLE IF NOT EXISTS entries (
        kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (kind, key)
    ) WITHOUT ROWID
"""


class EvalStore:
    """Entries by kind and key. A write that has returned survives the death of the process."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, kind: Kind, key: str) -> Any:
        """The value, from JSON; None if there is none."""
        query = "SELECT value FROM entries WHERE kind = ? AND key = ?"
        row = self._connection.execute(query, (kind, key)).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, kind: Kind, key: str, value: Any) -> None:
        self.put_all(kind, [(key, value)])

    def put_all(self, kind: Kind, entries: Iterable[tuple[str, Any]]) -> None:
        """Write several together: all of them or none."""
        now = time.time()
        rows = [
            (kind, key, json.dumps(value, separators=(",", ":")), now) for key, value in entries
        ]
        with self._connection:
            self._connection.executemany("INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?)", rows)

    def put_text(self, kind: Kind, value: Any) -> str:
        """Write a value under its own hash, which is returned."""
        key = key_of(value)
        self.put(kind, key, value)
        return key


@contextmanager
def open_store(path: Path) -> Iterator[EvalStore]:
    """Open the file, readable by its owner alone.

    Raises:
        ConfigError: If it cannot be made or is no store.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(_TABLE)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"evaluations cannot be kept in {path}: {error}") from error
    try:
        yield EvalStore(connection)
    finally:
        connection.close()


def key_of(*parts: Any) -> str:
    """Hash of values that have a JSON form; the order of an object's fields does not matter."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
