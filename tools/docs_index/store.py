"""What an index is of: a folder, whose index all processes of a user share, or files of one run."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event

from langgraph_fusion.tools.docs_index.database import open_in_memory, open_index
from langgraph_fusion.tools.docs_index.files import File, Stamp, document_files
from langgraph_fusion.tools.docs_index.formats import refusal_reason
from langgraph_fusion.tools.docs_index.reading import Document, read_document, skip
from langgraph_fusion.tools.docs_index.tables import DocumentTables
from langgraph_fusion.tools.extract.processes import Cancelled

_WRITE_EVERY_S = 1.0
"""What was read in this time is written together; an interruption loses no more."""
_MOST_WRITTEN = 500
"""Documents written together, however fast they were read: so many are held in memory."""


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


class Store(DocumentTables):
    """The index of one folder. Blocking, and for one thread at a time."""

    def __init__(self, folder: Path, cancelled: Event | None = None) -> None:
        """Open the index; once `cancelled` is set, reading ends, and what was read is kept."""
        self._folder = folder.resolve()
        super().__init__(open_index(self._folder))
        self._cancelled = cancelled or Event()
        self._tried: dict[str, Stamp] = {}
        """What could not be read for reasons outside of it, and is not tried twice by a process."""
        self.complete = False
        """Whether the whole folder has been looked through."""

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
                self.remove(path)
            for one in fresh:
                if one.document is not None:
                    self.remove(one.file.name)
                    self.insert(one.file.stamp, one.sha256, one.document)
                self._db.execute(
                    "UPDATE document SET size = ?, mtime_ns = ? WHERE path = ?",
                    (one.file.stamp.size, one.file.stamp.mtime_ns, one.file.name),
                )


class GivenDocuments(DocumentTables):
    """Documents that were read already, in memory: nothing of them outlives it."""

    complete = True

    def __init__(self, documents: Sequence[Document]) -> None:
        super().__init__(open_in_memory())
        for document in documents:
            self.insert(Stamp(0, 0), "", document)

    def refresh(self, written: Callable[[], None] = lambda: None) -> None:
        """Do nothing: they stay what they are."""
