"""The index itself: SQLite FTS5 in one file per folder, shared by all processes of a user.

Words are found whole or by their English stem, with or without accents; scripts without spaces
between words (Chinese, Japanese, Thai) by any part of a sentence.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event

from langgraph_fusion.tools.docs_index.database import open_index
from langgraph_fusion.tools.docs_index.files import File, Stamp, document_files
from langgraph_fusion.tools.docs_index.formats import markup_of, refusal_reason
from langgraph_fusion.tools.docs_index.passages import passages
from langgraph_fusion.tools.docs_index.query import Query, parse_query
from langgraph_fusion.tools.docs_index.reading import Document, read_document, skip
from langgraph_fusion.tools.docs_index.unspaced import has_unspaced, pairs, spaced
from langgraph_fusion.tools.extract.processes import Cancelled

_WRITE_EVERY_S = 1.0
"""What was read in this time is written together; an interruption loses no more."""
_MOST_WRITTEN = 500
"""Documents written together, however fast they were read: so many are held in memory."""
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


@dataclass(frozen=True)
class _Known:
    """What the index holds of a file."""

    stamp: Stamp
    sha256: str
    """Empty if the file is to be tried again, although it did not change."""


@dataclass(frozen=True)
class _Fresh:
    """What was read of a file; without a document it is as it was."""

    file: File
    sha256: str
    document: Document | None


class Store:
    """The index of one folder. Blocking, and for one thread at a time."""

    def __init__(self, folder: Path, cancelled: Event | None = None) -> None:
        """Open the index; once `cancelled` is set, reading ends, and what was read is kept."""
        self._folder = folder.resolve()
        self._db = open_index(self._folder)
        self._cancelled = cancelled or Event()
        self._tried: dict[str, Stamp] = {}
        """What could not be read for reasons outside of it, and is not tried twice by a process."""
        self.complete = False
        """Whether the whole folder has been looked through."""

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def refresh(self, written: Callable[[], None] = lambda: None) -> None:
        """Bring the index up to date with the folder, and call `written` after each part.

        A file is looked at when its size or time changed and read again when its content did.
        """
        known = self._known()
        present = {file.name: file for file in document_files(self._folder)}
        gone = [path for path in known if path not in present]
        changed = [file for file in present.values() if self._is_new(file, known.get(file.name))]
        if gone:
            self._write(gone, [])
        # Reading is slow and happens before the write lock is taken. Two processes may read the
        # same file; whoever writes last replaces what the other wrote, whole.
        for some in self._read(changed, known):
            self._write([], some)
            written()
        self.complete = not self._cancelled.is_set()

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

    def _known(self) -> dict[str, _Known]:
        rows = self._db.execute("SELECT path, size, mtime_ns, sha256 FROM document")
        return {path: _Known(Stamp(size, mtime), digest) for path, size, mtime, digest in rows}

    def _is_new(self, file: File, known: _Known | None) -> bool:
        if known is None or known.stamp != file.stamp:
            return True
        return not known.sha256 and self._tried.get(file.name) != file.stamp

    def _read(self, files: Sequence[File], known: dict[str, _Known]) -> Iterator[list[_Fresh]]:
        """Yield what was read in a second at most; when it is cancelled what there is."""
        some, began = list[_Fresh](), time.monotonic()
        for file in files:
            if self._cancelled.is_set():
                break
            try:
                some.append(self._fresh(file, known.get(file.name)))
            except Cancelled:
                break
            if len(some) == _MOST_WRITTEN or time.monotonic() - began > _WRITE_EVERY_S:
                yield some
                some, began = [], time.monotonic()
        if some:
            yield some

    def _fresh(self, file: File, known: _Known | None) -> _Fresh:
        if reason := file.skipped or refusal_reason(PurePosixPath(file.name).suffix.lower()):
            return _Fresh(file, "-", skip(file.name, reason))
        try:
            data = file.path.read_bytes()
        except OSError as error:
            reason = f"it may not be read ({error.strerror})"
            return _Fresh(file, "", skip(file.name, reason))
        digest = hashlib.sha256(data).hexdigest()
        if known is not None and known.sha256 == digest:
            return _Fresh(file, digest, None)
        document = read_document(file.name, data, self._cancelled)
        if document.again:
            self._tried[file.name] = file.stamp
        return _Fresh(file, "" if document.again else digest, document)

    def _write(self, gone: Sequence[str], fresh: Sequence[_Fresh]) -> None:
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for path in gone:
                self._remove(path)
            for one in fresh:
                if one.document is not None:
                    self._remove(one.file.name)
                    self._insert(one.file.stamp, one.sha256, one.document)
                self._db.execute(
                    "UPDATE document SET size = ?, mtime_ns = ? WHERE path = ?",
                    (one.file.stamp.size, one.file.stamp.mtime_ns, one.file.name),
                )

    def _remove(self, path: str) -> None:
        for table in ("words", "pairs"):
            self._db.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT id FROM passage WHERE path = ?)",
                (path,),
            )
        self._db.execute("DELETE FROM passage WHERE path = ?", (path,))
        self._db.execute("DELETE FROM document WHERE path = ?", (path,))

    def _insert(self, stamp: Stamp, digest: str, document: Document) -> None:
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
