"""The `web_search` tool."""

import re

from langchain.tools import ToolRuntime

from langgraph_fusion.tools.context import ToolContext
from langgraph_fusion.tools.described import described_tool
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.formatting import plain_text, source_block
from langgraph_fusion.tools.search import Found, Hit, Recency, SearchQuery

_MAX_QUERY = 400
"""Characters: the shortest limit of the services."""
_SCHEME = re.compile(r"^(?:site:|https?://|\*\.)+", re.I)
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.)+[\w-]{2,63}")
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_]([a-z]{2}|hans|hant))?", re.I)


@described_tool
async def web_search(
    query: str,
    max_results: int = 8,
    recency: Recency | None = None,
    site: str | None = None,
    language: str | None = None,
    *,
    runtime: ToolRuntime[ToolContext],
) -> str:
    """Search the web. Returns titles, addresses and short excerpts with ids to cite, like [A3].

    Use a few plain keywords, one topic per search. Excerpts are often outdated or incomplete:
    read important pages with web_fetch. `recency` keeps only results from the last day, week,
    month or year; use it for current events. `site` keeps only results of one domain, such as
    `example.org`, and `language` asks for pages in one language, such as `de`.
    """
    context = runtime.context
    if not query.strip() or len(query) > _MAX_QUERY:
        raise ToolFailure("invalid_arguments", f"`query` takes 1 to {_MAX_QUERY} characters.")
    wanted = SearchQuery(
        query, recency=recency, site=_domain(site), language=_language_code(language)
    )
    found = await context.shared.search(context.seat, wanted, context.purse)
    hits = found.hits[: max(1, max_results)]
    if not hits:
        return "No results. Other or fewer words, or another language, may find more."
    return "\n\n".join([*_notes(found), *(_shown(context, hit) for hit in hits)])


def _shown(context: ToolContext, hit: Hit) -> str:
    title, snippet = plain_text(hit.title), plain_text(hit.snippet)
    source = context.shared.sources.add(
        context.seat, "search", hit.url, title, snippet, published=hit.published
    )
    return source_block(source, snippet)


def _notes(found: Found) -> list[str]:
    lacks = " and ".join(found.not_applied)
    return [f"[{lacks} left out: this search engine cannot filter by it]"] if lacks else []


def _domain(site: str | None) -> str | None:
    """The host of what a model may write: `example.org`, `site:example.org`, an address."""
    host = _SCHEME.sub("", (site or "").strip()).partition("/")[0].rstrip(".").lower()
    if not host:
        return None
    if len(host) > 253 or not _DOMAIN.fullmatch(host):
        raise ToolFailure("invalid_arguments", "`site` takes one domain, such as `example.org`.")
    return host


def _language_code(language: str | None) -> str | None:
    if not (language or "").strip():
        return None
    code = _LANGUAGE.fullmatch((language or "").strip())
    if code is None:
        raise ToolFailure(
            "invalid_arguments", "`language` takes a code, such as `de`, `ja` or `pt-BR`."
        )
    return f"{code[1].lower()}-{code[2].upper()}" if code[2] else code[1].lower()
