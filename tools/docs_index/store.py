"""The index itself: SQLite FTS5 in one file per folder, shared by all processes of a user.

Words are found whole or by their English stem, with or without accents. Scripts without spaces
between words (Chinese, Japanese, Thai) are found by whole runs of characters only.
"""

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from langgraph_fusion.tools.docs_index.files import (
    Document,
    Stamp,
    document_files,
    read_bytes,
    read_document,
)
from langgraph_fusion.tools.docs_index.passages import passages

_VERSION = 1
"""Raise it whenever tables, splitting or reading change: old index files are then left alone."""
_BUSY_S = 30.0
_MAX_WORDS = 40
_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
  path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT,
  title TEXT, text TEXT, skipped TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passage (
  id INTEGER PRIMARY KEY, path TEXT, first_line INTEGER, last_line INTEGER
);
CREATE INDEX IF NOT EXISTS passage_path ON passage (path);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
  title, heading, body, tokenize = "porter unicode61 remove_diacritics 2"
);
"""
_SEARCH = """
SELECT passage.path, words.title, words.heading, words.body, first_line, last_line
FROM words JOIN passage ON passage.id = words.rowid
WHERE words MATCH ? ORDER BY bm25(words, 3.0, 2.0, 1.0), passage.id LIMIT ?
"""


@dataclass(frozen=True)
class Match:
    """A passage that fits a query."""

    path: str
    title: str
    heading: str
    text: str
    first_line: int
    last_line: int


class Store:
    """The index of one folder. Blocking, and for one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._db = _opened(self._folder)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def refresh(self) -> None:
        """Bring the index up to date with the folder.

        A file is looked at when its size or time changed and read again when its content did.
        """
        known = self._stamps()
        present = {path: (file, stamp) for path, file, stamp in document_files(self._folder)}
        gone = [path for path in known if path not in present]
        changed = [
            (path, file, stamp)
            for path, (file, stamp) in present.items()
            if path not in known or known[path][0] != stamp
        ]
        if not gone and not changed:
            return
        # Reading is slow and happens before the write lock is taken. Two processes may read the
        # same file; whoever writes last replaces what the other wrote, whole.
        fresh = [self._fresh(*item, known) for item in changed]
        self._write(gone, fresh)

    def search(self, query: str, limit: int) -> list[Match]:
        """Return the passages that fit best, for any text as query; none if it has no words."""
        expression = match_expression(query)
        if not expression:
            return []
        rows = self._db.execute(_SEARCH, (expression, limit))
        return [Match(*row) for row in rows]

    def document(self, path: str) -> Document | None:
        """Return a document by its relative path."""
        row = self._db.execute(
            "SELECT path, title, text, skipped FROM document WHERE path = ?", (path,)
        ).fetchone()
        return Document(*row) if row else None

    def documents(self) -> list[Document]:
        """Return all documents, without their text."""
        rows = self._db.execute("SELECT path, title, '', skipped FROM document ORDER BY path")
        return [Document(*row) for row in rows]

    def _stamps(self) -> dict[str, tuple[Stamp, str]]:
        rows = self._db.execute("SELECT path, size, mtime_ns, sha256 FROM document")
        return {path: (Stamp(size, mtime), digest) for path, size, mtime, digest in rows}

    def _fresh(
        self, path: str, file: Path, stamp: Stamp, known: dict[str, tuple[Stamp, str]]
    ) -> tuple[str, Stamp, str, Document | None]:
        data, digest = read_bytes(file, stamp)
        if path in known and known[path][1] == digest:
            return path, stamp, digest, None
        return path, stamp, digest, read_document(path, data, stamp.size)

    def _write(
        self, gone: Iterable[str], fresh: Iterable[tuple[str, Stamp, str, Document | None]]
    ) -> None:
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for path in gone:
                self._remove(path)
            for path, stamp, digest, document in fresh:
                if document is not None:
                    self._remove(path)
                    self._insert(stamp, digest, document)
                self._db.execute(
                    "UPDATE document SET size = ?, mtime_ns = ? WHERE path = ?",
                    (stamp.size, stamp.mtime_ns, path),
                )

    def _remove(self, path: str) -> None:
        self._db.execute(
            "DELETE FROM words WHERE rowid IN (SELECT id FROM passage WHERE path = ?)", (path,)
        )
        self._db.execute("DELETE FROM passage WHERE path = ?", (path,))
        self._db.execute("DELETE FROM document WHERE path = ?", (path,))

    def _insert(self, stamp: Stamp, digest: str, document: Document) -> None:
        path, title = document.path, document.title
        self._db.execute(
            "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?)",
            (path, stamp.size, stamp.mtime_ns, digest, title, document.text, document.skipped),
        )
        for passage in passages(document.text):
            row = self._db.execute(
                "INSERT INTO passage (path, first_line, last_line) VALUES (?, ?, ?)",
                (path, passage.first_line, passage.last_line),
            )
            self._db.execute(
                "INSERT INTO words (rowid, title, heading, body) VALUES (?, ?, ?, ?)",
                (row.lastrowid, title, passage.heading, passage.text),
            )


def match_expression(query: str) -> str:
    """Turn any text into an FTS5 query for its words; operators and quotes in it mean nothing."""
    words = dict.fromkeys(re.findall(r"[^\W_]+", query))
    return " OR ".join(f'"{word}"' for word in list(words)[:_MAX_WORDS])


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


def _opened(folder: Path) -> sqlite3.Connection:
    """Open the index file; a damaged one is made anew; without a usable cache use memory."""
    try:
        file = index_file(folder)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _connected_anew(file)
    except (OSError, RuntimeError, sqlite3.Error):  # no home, read-only, locked for long, disk full
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
