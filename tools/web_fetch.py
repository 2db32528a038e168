"""The `web_fetch` tool."""

from itertools import groupby

from langchain.tools import ToolRuntime

from langgraph_fusion.tools.context import ToolContext
from langgraph_fusion.tools.described import described_tool
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.excerpt import excerpt
from langgraph_fusion.tools.formatting import page_of, source_block


@described_tool
async def web_fetch(url: str, start: int = 0, *, runtime: ToolRuntime[ToolContext]) -> str:
    """Read a web page, PDF or text file as Markdown, with an id to cite, like [A3].

    `url` is an http(s) address or the id of a search result. A long page is shown in parts: the
    last line then says at which `start` to read on. Only the public internet can be read.
    """
    context = runtime.context
    shared = context.shared
    asked = _address(context, url.strip())
    page = await shared.fetch(context.seat, asked)
    piece, remains = page_of(page.text, start, shared.fetcher.limits.page_chars)
    text, seen = (piece, piece) if start else _excerpted(context, piece)
    source = shared.sources.add(context.seat, "page", page.url, page.title, seen, asked=asked)
    left = "[left out: what is farthest from the question; start= shows it]" if text != seen else ""
    notes = [note for note in (left, page.note, remains) if note]
    return "\n".join([source_block(source, text), *notes])


def _excerpted(context: ToolContext, piece: str) -> tuple[str, str]:
    """What of the beginning of a page is shown, and that without the notes in it."""
    limits = context.shared.fetcher.limits
    room = limits.narrow_chars if context.narrow else limits.excerpt_chars
    lines = piece.split("\n")
    kept = excerpt(lines, context.topic, room)
    if len(kept) == len(lines):
        return piece, piece
    text, seen, at = list[str](), list[str](), 0
    for stays, group in groupby(range(len(lines)), lambda number: number in kept):
        stretch = "\n".join(lines[number] for number in group)
        text.append(stretch if stays else f"[characters {at}-{at + len(stretch)} left out]")
        seen += [stretch] if stays else []
        at += len(stretch) + 1
    return "\n".join(text), "\n[…]\n".join(seen)


def _address(context: ToolContext, url: str) -> str:
    source = context.shared.sources.get(url.strip("[]"))
    if source is not None and not source.url:
        raise ToolFailure(
            "invalid_arguments", f"This is the output of a {source.kind}, not a page."
        )
    address = source.url if source else url
    if address.startswith("docs:"):
        raise ToolFailure("invalid_arguments", "This is a document. Read it with docs_read.")
    return address if "://" in address else f"https://{address}"
