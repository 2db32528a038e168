"""Documents in an index: SQLite FTS5 tables of their passages, found by words.

Words are found whole or by their English stem, with or without accents; scripts without spaces
between words (Chinese, Japanese, Thai) by any part of a sentence.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from langgraph_fusion.tools.docs_index.files import Stamp
from langgraph_fusion.tools.docs_index.formats import markup_of
from langgraph_fusion.tools.docs_index.passages import passages
from langgraph_fusion.tools.docs_index.query import Query, parse_query
from langgraph_fusion.tools.docs_index.reading import Document
from langgraph_fusion.tools.docs_index.unspaced import has_unspaced, pairs, spaced

_CANDIDATES = 400
"""Passages looked at for a literal phrase."""
_RANKED = """
SELECT {table}.rowid FROM {table} JOIN passage ON passage.id = {table}.rowid
WHERE {table} MATCH ? AND instr(lower(passage.path), ?) > 0
ORDER BY bm25({table}, 3.0, 2.0, 1.0), passage.id LIMIT ?
"""
_PASSAGE = """
SELECT passage.path, document.title, passage.heading, coalesce(passage.body, words.body),
  first_line, last_line
FROM passage JOIN words ON words.rowid = passage.id JOIN document ON document.path = passage.path
WHERE passage.id = ?
"""
_RANK_SHIFT = 60
"""Of reciprocal rank fusion (Cormack et al. 2009): 1 / (60 + rank), summed over the lists."""


@dataclass(frozen=True)
class Match:
    """A passage that fits a query."""

    path: str
    title: str
    heading: str
    text: str
    first_line: int
    last_line: int


class DocumentTables:
    """The tables of one index. Blocking, and for one thread at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def search(self, text: str, limit: int) -> list[Match]:
        """Return the passages that fit best, for any text as query; none if it has no words."""
        query = parse_query(text)
        with self._db:  # one state of the index, whatever other processes write meanwhile
            self._db.execute("BEGIN")
            lists = [
                self._found(table, expression, query, limit)
                for table, expression in (("words", query.words), ("pairs", query.pairs))
                if expression
            ]
        scores: dict[int, float] = {}
        for found in lists:
            for rank, number in enumerate(found):
                scores[number] = scores.get(number, 0.0) + 1 / (_RANK_SHIFT + rank)
        matches = {number: match for found in lists for number, match in found.items()}
        best = sorted(scores, key=lambda number: -scores[number])
        return [matches[number] for number in best[:limit]]

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

    def _found(self, table: str, expression: str, query: Query, limit: int) -> dict[int, Match]:
        candidates = _CANDIDATES if query.needed else limit
        ranked = self._db.execute(
            _RANKED.format(table=table), (expression, query.path.lower(), candidates)
        )
        found: dict[int, Match] = {}
        for (number,) in ranked.fetchall():
            match = Match(*self._db.execute(_PASSAGE, (number,)).fetchone())
            if _holds(match, query.needed):
                found[number] = match
            if len(found) == limit:
                break
        return found

    def remove(self, path: str) -> None:
        for table in ("words", "pairs"):
            self._db.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT id FROM passage WHERE path = ?)",
                (path,),
            )
        self._db.execute("DELETE FROM passage WHERE path = ?", (path,))
        self._db.execute("DELETE FROM document WHERE path = ?", (path,))

    def insert(self, stamp: Stamp, digest: str, document: Document) -> None:
        path, title = document.path, document.title
        self._db.execute(
            "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?)",
            (path, stamp.size, stamp.mtime_ns, digest, title, document.text, document.skipped),
        )
        markup = markup_of(PurePosixPath(path).suffix.lower())
        for passage in passages(document.text, markup):
            texts = (title, passage.heading, passage.text)
            unspaced = has_unspaced(" ".join(texts))
            row = self._db.execute(
                "INSERT INTO passage (path, heading, body, first_line, last_line)"
                " VALUES (?, ?, ?, ?, ?)",
                (path, passage.heading, passage.text if unspaced else None,
                 passage.first_line, passage.last_line),
            )  # fmt: skip
            self._fill("words", row.lastrowid, map(spaced, texts) if unspaced else texts)
            if unspaced:
                self._fill("pairs", row.lastrowid, map(pairs, texts))

    def _fill(self, table: str, id: int | None, texts: Iterable[str]) -> None:
        self._db.execute(
            f"INSERT INTO {table} (rowid, title, heading, body) VALUES (?, ?, ?, ?)", (id, *texts)
        )


def _holds(match: Match, needed: Sequence[str]) -> bool:
    if not needed:
        return True
    text = " ".join(f"{match.title}\n{match.heading}\n{match.text}".casefold().split())
    return all(phrase in text for phrase in needed)
