"""The `docs_search` and `docs_read` tools."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langchain.tools import ToolRuntime

from langgraph_fusion.tools.content_filter import ExcludedContent
from langgraph_fusion.tools.context import ToolContext
from langgraph_fusion.tools.described import described_tool
from langgraph_fusion.tools.docs_index.docs import docs_url, split_docs_url
from langgraph_fusion.tools.docs_index.joined import JoinedDocs
from langgraph_fusion.tools.docs_index.part import part_of
from langgraph_fusion.tools.docs_index.query import Query, parse_query
from langgraph_fusion.tools.docs_index.reading import Document
from langgraph_fusion.tools.docs_index.tables import Match
from langgraph_fusion.tools.docs_results import part_shown, results_shown
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.formatting import plain_text

_MAX_RESULTS = 20
_LISTED = 50
"""Documents listed at once."""


@described_tool
async def docs_search(
    query: str, max_results: int = 8, page: int = 1, *, runtime: ToolRuntime[ToolContext]
) -> str:
    """Search the user's own documents. Returns the best passages with ids to cite, like [A3].

    Finds words, not meanings: try synonyms and the documents' own terms. "in quotes" finds only
    passages with these very words; `title:word`, `heading:word` and `path:guide/` look there only.
    Read around a passage with docs_read. A query without words lists the documents, those whose
    path fits if `path:` is given; `page` is the page of a list.
    """
    context = runtime.context
    async with _index(context) as index:
        found = await index.search(query, min(max(1, max_results), _MAX_RESULTS))
        if not found:
            return _listing(parse_query(query), await index.documents(), max(1, page))
    allowed = [match for match in found if await _may_show(context, match)]
    if not allowed:
        return "No passage may be shown. Other words may find more."
    return results_shown(context, allowed, query, runtime.tool_call_id or "")


@described_tool
async def docs_read(
    id_or_path: str,
    section: str = "",
    start: int = 0,
    end: int = 0,
    *,
    runtime: ToolRuntime[ToolContext],
) -> str:
    """Read a part of one of the user's documents, with an id to cite, like [A3].

    `id_or_path` is the id of a docs_search result, then reading begins at that passage, or the
    document's path, then it begins at the top. `section` is a heading, or its beginning. `start`
    and `end` are lines. What follows the text says which lines it has, where to read on, and at
    the top of a long document which sections there are.
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
    await context.shared.screen(context.seat, docs_url(document.path), document.text)
    limits = context.shared.fetcher.limits
    size = limits.page_chars
    part = part_of(
        document, section=section, start=start or line, end=end, size=size, topic=context.topic
    )
    whole = bool(section.strip() or start or end)
    return part_shown(
        context,
        document,
        part,
        asked=id_or_path.strip(" []"),
        room=size
        if whole
        else min(size, limits.narrow_chars if context.narrow else limits.excerpt_chars),
        call=runtime.tool_call_id or "",
    )


@asynccontextmanager
async def _index(context: ToolContext) -> AsyncIterator[JoinedDocs]:
    parts = [one for one in (context.shared.files, context.shared.docs) if one is not None]
    if not parts:
        raise ToolFailure("unavailable", "There are no documents in this run.")
    try:
        yield JoinedDocs(parts)
    except (OSError, sqlite3.Error) as error:
        raise ToolFailure("unavailable", "The documents cannot be read now.") from error


def _docs_address(context: ToolContext, id_or_path: str) -> str:
    source = context.shared.sources.get(id_or_path.strip("[]"))
    if source is None:
        return id_or_path
    if source.kind in ("command", "tool"):
        raise ToolFailure(
            "invalid_arguments", f"This is the output of a {source.kind}, not a document."
        )
    if source.kind != "document":
        raise ToolFailure("invalid_arguments", "This is a web page. Read it with web_fetch.")
    return source.url


async def _may_show(context: ToolContext, match: Match) -> bool:
    url = docs_url(match.path, match.first_line, match.last_line)
    try:
        await context.shared.screen(context.seat, url, match.text)
    except ExcludedContent:
        return False
    return True


def _listing(query: Query, documents: list[Document], page: int) -> str:
    fitting = [one for one in documents if query.path.lower() in one.path.lower()]
    pages = max(1, -(-len(fitting) // _LISTED))
    page = min(page, pages)
    lines = [
        f"{docs_url(one.path)}  {one.skipped or one.title}"
        for one in fitting[(page - 1) * _LISTED : page * _LISTED]
    ]
    if page < pages:
        lines.append(f"[page {page} of {pages}: use page={page + 1}]")
    asked = query.words or query.pairs or query.needed
    found = "No passage has these words. " if asked else ""
    fits = f" with {query.path} in the path" if query.path else ""
    counted = "is 1 document" if len(fitting) == 1 else f"are {len(fitting)} documents"
    return "\n".join([f"{found}There {counted}{fits}:", *map(plain_text, lines)])
