"""The `docs_search` and `docs_read` tools."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langchain.tools import ToolRuntime

from langgraph_fusion.tools.context import ToolContext
from langgraph_fusion.tools.described import described_tool
from langgraph_fusion.tools.docs_index.docs import DocsIndex, docs_url, split_docs_url
from langgraph_fusion.tools.docs_index.files import Document
from langgraph_fusion.tools.docs_index.store import Match
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.formatting import page_of, plain_text, source_block

_MAX_RESULTS = 20
_LISTED = 50
"""Documents named when nothing was found."""


@described_tool
async def docs_search(
    query: str, max_results: int = 8, *, runtime: ToolRuntime[ToolContext]
) -> str:
    """Search the user's own documents. Returns the best passages with ids to cite, like [A3].

    Finds words, not meanings: try synonyms and the documents' own terms. Read around a passage
    with docs_read. An empty query lists the documents.
    """
    context = runtime.context
    async with _index(context) as index:
        found = await index.search(query, min(max(1, max_results), _MAX_RESULTS))
        if not found:
            return _listing(query, await index.documents())
    return "\n\n".join(_shown(context, match) for match in found)


@described_tool
async def docs_read(id_or_path: str, start: int = 0, *, runtime: ToolRuntime[ToolContext]) -> str:
    """Read one of the user's documents, with an id to cite, like [A3].

    `id_or_path` is the id of a docs_search result, then reading begins at that passage, or the
    document's path, then it begins at the top. A long document is shown in parts: the last line
    then says at which `start` to read on.
    """
    context = runtime.context
    path, line = split_docs_url(_docs_address(context, id_or_path.strip()))
    async with _index(context) as index:
        document = await index.document(path)
    if document is None:
        message = "No such document. docs_search with an empty query lists them."
        raise ToolFailure("not_found", message)
    if document.skipped:
        message = f"This document cannot be read: {document.skipped}"
        raise ToolFailure("unsupported_type", message)
    start = start or _offset(document.text, line)
    piece, remains = page_of(document.text, start, context.shared.fetcher.limits.page_chars)
    url = docs_url(document.path)
    source = context.shared.sources.add(context.seat, "document", url, document.title, piece)
    return "\n".join(part for part in (source_block(source, piece), remains) if part)


@asynccontextmanager
async def _index(context: ToolContext) -> AsyncIterator[DocsIndex]:
    if context.shared.docs is None:
        raise ToolFailure("unavailable", "There are no documents in this run.")
    try:
        yield context.shared.docs
    except (OSError, sqlite3.Error) as error:
        raise ToolFailure("unavailable", "The documents cannot be read now.") from error


def _docs_address(context: ToolContext, id_or_path: str) -> str:
    source = context.shared.sources.get(id_or_path.strip("[]"))
    if source is None:
        return id_or_path
    if source.kind != "document":
        raise ToolFailure("invalid_arguments", "This is a web page. Read it with web_fetch.")
    return source.url


def _shown(context: ToolContext, match: Match) -> str:
    url = docs_url(match.path, match.first_line, match.last_line)
    headings = [match.title, match.heading]
    if match.heading.startswith(match.title) or not match.heading:
        headings = [match.heading or match.title]
    title = plain_text(" > ".join(headings))
    source = context.shared.sources.add(context.seat, "document", url, title, match.text)
    return source_block(source, match.text)


def _listing(query: str, documents: list[Document]) -> str:
    lines = [f"{docs_url(d.path)}  {d.skipped or d.title}" for d in documents[:_LISTED]]
    if len(documents) > _LISTED:
        lines.append(f"and {len(documents) - _LISTED} more")
    found = "No passage has these words. " if query.strip() else ""
    return "\n".join([f"{found}There are {len(documents)} documents:", *map(plain_text, lines)])


def _offset(text: str, line: int) -> int:
    return sum(len(each) + 1 for each in text.split("\n")[: line - 1])
