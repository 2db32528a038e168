"""DuckDuckGo and its kin through the `ddgs` library, or through langchain-community's wrapper."""

import asyncio
import logging
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.search.base import Hit, Recency, without_sites

RawHit = dict[str, str]
SyncSearch = Callable[[str, int, str | None], list[RawHit]]
"""Query, number of results and `d`, `w`, `m`, `y` or None -> rows with title, href, body."""

_THREADS = 4
"""Searches at once in one run: more of them from one address only meet the rate limit sooner."""
_REGION = "us-en"  # the community default `wt-wt` is read by several engines as a language


@asynccontextmanager
async def open_duckduckgo(
    timeout_s: float, excluded: Sequence[str] = (), *, community: bool = False
) -> AsyncIterator["ThreadedSearch"]:
    """Open DuckDuckGo search with threads of its own; no key is needed."""
    search = community_search if community else ddgs_search(timeout_s)
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="web_search")
    try:
        yield ThreadedSearch(search, pool, timeout_s, excluded)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class ThreadedSearch:
    """A search backend over a blocking search function."""

    def __init__(
        self,
        search: SyncSearch,
        pool: ThreadPoolExecutor,
        timeout_s: float,
        excluded: Sequence[str] = (),
    ) -> None:
        self._search, self._pool = search, pool
        self._timeout_s, self._excluded = timeout_s, excluded

    async def search(self, query: str, max_results: int, recency: Recency | None) -> list[Hit]:
        """See `SearchBackend.search`."""
        loop = asyncio.get_running_loop()
        asked = without_sites(query, self._excluded)
        period = recency[0] if recency else None
        try:
            async with asyncio.timeout(self._timeout_s):
                rows = await loop.run_in_executor(
                    self._pool, self._search, asked, max_results, period
                )
        except Exception as error:
            if is_no_results(error):
                return []
            raise search_failure(error) from error
        return hits(rows)


def ddgs_search(timeout_s: float) -> SyncSearch:
    """Return a search by `ddgs`, imported on the first search, in the thread that runs it."""

    def search(query: str, max_results: int, period: str | None) -> list[RawHit]:
        from ddgs import DDGS

        _be_quiet("ddgs")
        client = DDGS(timeout=max(1, int(timeout_s / 2)))
        return list(client.text(query, region=_REGION, timelimit=period, max_results=max_results))

    return search


def community_search(query: str, max_results: int, period: str | None) -> list[RawHit]:
    """Search by langchain-community's DuckDuckGo tool."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the package is being sunset
        from langchain_community.tools import DuckDuckGoSearchResults
        from langchain_community.utilities import DuckDuckGoSearchAPIWrapper
    _be_quiet("ddgs")
    wrapper = DuckDuckGoSearchAPIWrapper(region=_REGION, time=period, max_results=max_results)
    tool = DuckDuckGoSearchResults(api_wrapper=wrapper, num_results=max_results)
    call = {"type": "tool_call", "id": "search", "name": tool.name, "args": {"query": query}}
    rows: list[RawHit] = tool.invoke(call).artifact
    return [{"title": r["title"], "href": r["link"], "body": r["snippet"]} for r in rows]


def hits(rows: Sequence[RawHit]) -> list[Hit]:
    """Turn the library's rows into hits."""
    return [
        Hit(row.get("href", ""), row.get("title", ""), row.get("body", ""))
        for row in rows
        if row.get("href")
    ]


def is_no_results(error: BaseException) -> bool:
    """Tell an empty result from a failure: the library raises for both."""
    return "no results found" in str(error).lower()


def search_failure(error: BaseException) -> ToolFailure:
    """Say what went wrong. Read from the text: the library never raises its rate limit error."""
    text = f"{type(error).__name__} {error}".lower()
    if any(sign in text for sign in ("ratelimit", "rate limit", "too many requests", "429")):
        return ToolFailure(
            "rate_limited", "The search service limits requests now. Wait, or go on without it."
        )
    if isinstance(error, TimeoutError) or "timed out" in text or "timeout" in text:
        return ToolFailure("timeout", "The search took too long. Try again with fewer words.")
    return ToolFailure("unavailable", "The search service does not answer. Go on without it.")


def _be_quiet(name: str) -> None:
    """Keep a library without configured logging from printing its warnings to the terminal."""
    logging.getLogger(name).addHandler(logging.NullHandler())
