"""The `web_search` tool."""

from langchain.tools import ToolRuntime

from langgraph_fusion.tools.context import ToolContext
from langgraph_fusion.tools.described import described_tool
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.formatting import plain_text, source_block
from langgraph_fusion.tools.search import Hit, Recency

_MAX_QUERY = 400
"""Characters: the shortest limit of the services."""


@described_tool
async def web_search(
    query: str,
    max_results: int = 8,
    recency: Recency | None = None,
    *,
    runtime: ToolRuntime[ToolContext],
) -> str:
    """Search the web. Returns titles, addresses and short excerpts with ids to cite, like [A3].

    Use a few plain keywords, one topic per search. Excerpts are often outdated or incomplete:
    read important pages with web_fetch. `recency` keeps only results from the last day, week,
    month or year; use it for current events.
    """
    context = runtime.context
    if not query.strip() or len(query) > _MAX_QUERY:
        raise ToolFailure("invalid_arguments", f"`query` takes 1 to {_MAX_QUERY} characters.")
    found = await context.shared.search(context.seat, query, recency)
    hits = found[: max(1, max_results)]
    if not hits:
        return "No results. Other or fewer words, or another language, may find more."
    return "\n\n".join(_shown(context, hit) for hit in hits)


def _shown(context: ToolContext, hit: Hit) -> str:
    title, snippet = plain_text(hit.title), plain_text(hit.snippet)
    source = context.shared.sources.add(context.seat, "search", hit.url, title, snippet)
    return source_block(source, snippet)
