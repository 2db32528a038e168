"""Search through Tavily (`TAVILY_API_KEY`; `TAVILY_BASE_URL` names another server)."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from pydantic import SecretStr

from langgraph_fusion.tools.search.base import Hit, Recency
from langgraph_fusion.tools.search.http import exchange, texts

_BASE_URL = "https://api.tavily.com"
_MAX_RESULTS = 20  # the service's own limit


@asynccontextmanager
async def open_tavily(
    timeout_s: float, excluded: Sequence[str] = ()
) -> AsyncIterator["TavilySearch"]:
    """Open Tavily with the key from the environment."""
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    base_url = os.environ.get("TAVILY_BASE_URL", "").strip() or _BASE_URL
    key = SecretStr(os.environ["TAVILY_API_KEY"].strip())
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield TavilySearch(session, base_url, key, excluded)


class TavilySearch:
    """A search backend over Tavily's HTTP API."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        key: SecretStr,
        excluded: Sequence[str] = (),
    ) -> None:
        self._session, self._key, self._excluded = session, key, excluded
        self._url = base_url.rstrip("/") + "/search"

    async def search(self, query: str, max_results: int, recency: Recency | None) -> list[Hit]:
        """See `SearchBackend.search`."""
        body: dict[str, Any] = {"query": query, "max_results": min(max_results, _MAX_RESULTS)}
        if recency:
            body["time_range"] = recency
        if self._excluded:
            body["exclude_domains"] = list(self._excluded)
        headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"}
        answer = await exchange(self._session, "POST", self._url, body=body, headers=headers)
        hits = [Hit(*texts(row, "url", "title", "content")) for row in answer["results"]]
        return [hit for hit in hits if hit.url]
