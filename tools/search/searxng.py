"""Search through a SearXNG server, which must have `json` among its `search.formats`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.search.base import Hit, Recency, without_sites
from langgraph_fusion.tools.search.http import exchange, texts


@asynccontextmanager
async def open_searxng(
    base_url: str, timeout_s: float, excluded: Sequence[str] = ()
) -> AsyncIterator["SearxngSearch"]:
    """Open the server at `base_url`."""
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield SearxngSearch(session, base_url, excluded)


class SearxngSearch:
    """A search backend over SearXNG's JSON API."""

    def __init__(
        self, session: aiohttp.ClientSession, base_url: str, excluded: Sequence[str] = ()
    ) -> None:
        self._session = session
        self._url = base_url.rstrip("/") + "/search"
        self._excluded = excluded

    async def search(self, query: str, max_results: int, recency: Recency | None) -> list[Hit]:
        """See `SearchBackend.search`."""
        params = {"q": without_sites(query, self._excluded), "format": "json"}
        if recency:
            params["time_range"] = recency
        answer = await exchange(self._session, "GET", self._url, params=params)
        hits = [Hit(*texts(row, "url", "title", "content")) for row in answer["results"]]
        if not hits and answer.get("unresponsive_engines"):
            raise _engines_down(str(answer["unresponsive_engines"]).lower())
        return [hit for hit in hits if hit.url][:max_results]


def _engines_down(why: str) -> ToolFailure:
    if any(sign in why for sign in ("too many requests", "captcha", "suspended")):
        return ToolFailure("rate_limited", "The search engines limit requests now.")
    return ToolFailure("unavailable", "None of the search engines answered.")
