"""The index's interface for the event loop: one thread does all its work, in order."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeVar
from urllib.parse import quote, unquote

from langgraph_fusion.tools.docs_index.reading import Document
from langgraph_fusion.tools.docs_index.store import GivenDocuments, Store
from langgraph_fusion.tools.docs_index.tables import Match

T = TypeVar("T")
AnyStore = Store | GivenDocuments
MakeStore = Callable[[Event], AnyStore]

_REFRESH_S = 2.0
"""The folder is looked through again when the last time is longer ago than this."""
_LINES = re.compile(r"L(\d{1,9})(?:-L?(\d{1,9}))?")


@asynccontextmanager
async def open_docs(folder: Path) -> AsyncIterator["DocsIndex"]:
    """Open the index of a folder; it is brought up to date at the first question.

    Leaving it ends what is being read; what was read by then is kept for the next time.
    """
    async with _opened(lambda cancelled: Store(folder, cancelled)) as index:
        yield index


@asynccontextmanager
async def open_given(documents: Sequence[Document]) -> AsyncIterator["DocsIndex"]:
    """Open an index of documents that were read already; nothing of it is written anywhere."""
    async with _opened(lambda _: GivenDocuments(documents)) as index:
        yield index


@asynccontextmanager
async def _opened(make: "MakeStore") -> AsyncIterator["DocsIndex"]:
    pool = ThreadPoolExecutor(1, thread_name_prefix="docs_index")
    index = DocsIndex(make, pool)
    try:
        yield index
    finally:
        index.cancel()
        pool.submit(index.release)
        pool.shutdown(wait=False)


@dataclass(frozen=True)
class DocsReport:
    """Which files of a folder were indexed, and which were not."""

    indexed: int
    """Documents that can be searched."""
    skipped: tuple[tuple[str, str], ...]
    """Path and reason of each file that could not be read."""
    complete: bool
    """Whether the whole folder has been looked through."""


class DocsIndex:
    """Documents that can be searched and read."""

    def __init__(self, make: MakeStore, pool: ThreadPoolExecutor) -> None:
        """`make` opens the store, in the thread that uses it, with an event that ends reading."""
        self._make, self._pool = make, pool
        self._cancelled = Event()
        self._store: AnyStore | None = None
        self._refreshed = float("-inf")
        self._report: DocsReport | None = None

    async def search(self, query: str, limit: int) -> list[Match]:
        """Return the passages that fit best."""
        return await self._run(lambda store: store.search(query, limit))

    async def document(self, path: str) -> Document | None:
        """Return a document by its path relative to the folder. Nothing else is ever opened."""
        return await self._run(lambda store: store.document(path))

    async def documents(self) -> list[Document]:
        """Return all documents, skipped ones too, without their text."""
        return await self._run(lambda store: store.documents())

    def report(self) -> DocsReport | None:
        """What is indexed so far; None when nobody has asked the index yet. Never waits."""
        return self._report

    def cancel(self) -> None:
        """Have reading end, soon, and without losing what was read."""
        self._cancelled.set()

    def release(self) -> None:
        """Close the file, in the thread that uses it."""
        if self._store:
            self._store.close()

    async def _run(self, work: Callable[[AnyStore], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: work(self._fresh()))

    def _fresh(self) -> AnyStore:
        store = self._store = self._store or self._make(self._cancelled)
        if time.monotonic() - self._refreshed > _REFRESH_S:
            store.refresh(lambda: self._count(store))
            self._count(store)
            self._refreshed = time.monotonic()
        return store

    def _count(self, store: AnyStore) -> None:
        documents = store.documents()
        skipped = tuple((one.path, one.skipped) for one in documents if one.skipped)
        self._report = DocsReport(len(documents) - len(skipped), skipped, store.complete)


def docs_url(path: str, first_line: int | None = None, last_line: int | None = None) -> str:
    """Return `docs:path`, or `docs:path#L10-L42` for a passage."""
    lines = f"#L{first_line}-L{last_line}" if first_line else ""
    return f"docs:{quote(path, safe='/')}{lines}"


def split_docs_url(url: str) -> tuple[str, int]:
    """Return path and first line (1 if none is named) of a `docs:` URL or a plain path."""
    is_url = url.startswith("docs:")
    path, _, fragment = url.removeprefix("docs:").partition("#") if is_url else (url, "", "")
    found = _LINES.fullmatch(fragment)
    path = unquote(path) if is_url else path
    return path.removeprefix("./"), int(found[1]) if found else 1
