"""The file an index is kept in, and its tables."""

import hashlib
import os
import sqlite3
from pathlib import Path

from langgraph_fusion.sandbox.private_files import make_private_file, make_private_folder

_VERSION = 2
"""Raise it whenever tables, splitting or reading change: old index files are then left alone."""
_BUSY_S = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
  path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT,
  title TEXT, text TEXT, skipped TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passage (
  id INTEGER PRIMARY KEY, path TEXT, heading TEXT, body TEXT, first_line INTEGER, last_line INTEGER
);
CREATE INDEX IF NOT EXISTS passage_path ON passage (path);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
  title, heading, body, tokenize = "porter unicode61 remove_diacritics 2"
);
CREATE VIRTUAL TABLE IF NOT EXISTS pairs USING fts5(
  title, heading, body, tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
);
"""


def index_file(folder: Path) -> Path:
    """Return where the index of this folder is kept, in the user's cache.

    Raises:
        RuntimeError: If the user has no home.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():
        cache = Path.home() / ".cache"
    key = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:20]
    return cache / "langgraph-fusion" / "docs" / f"{key}-v{_VERSION}.sqlite"


def open_index(folder: Path) -> sqlite3.Connection:
    """Open the index file; a damaged one is made anew; without a usable cache use memory."""
    try:
        file = index_file(folder)
        make_private_folder(file.parent)
        make_private_file(file)
        return _connected_anew(file)
    except (OSError, RuntimeError, sqlite3.Error):  # no home, read-only, locked for long, disk full
        return open_in_memory()


def open_in_memory() -> sqlite3.Connection:
    """Open an empty index that is gone when it is closed."""
    return _connected(":memory:")


def _connected_anew(file: Path) -> sqlite3.Connection:
    try:
        return _connected(str(file))
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:  # not a database
        file.unlink(missing_ok=True)
        return _connected(str(file))


def _connected(name: str) -> sqlite3.Connection:
    db = sqlite3.connect(name, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(_SCHEMA)
        db.execute("BEGIN IMMEDIATE")  # a read-only file fails here
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db
