"""The `web_fetch` tool."""

from langchain.tools import ToolRuntime

from langgraph_fusion.tools.context import ToolContext
from langgraph_fusion.tools.described import described_tool
from langgraph_fusion.tools.errors import ToolFailure
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
    source = shared.sources.add(context.seat, "page", page.url, page.title, piece, asked=asked)
    notes = [note for note in (page.note, remains) if note]
    return "\n".join([source_block(source, piece), *notes])


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
