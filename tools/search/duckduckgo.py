"""DuckDuckGo and its kin through the `ddgs` library, or through langchain-community's wrapper."""

import asyncio
import logging
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from langgraph_fusion.tools.search.base import (
    Found,
    Hit,
    SearchFailure,
    SearchQuery,
    primary_language,
    with_sites,
)

RawHit = dict[str, str]
SyncSearch = Callable[[str, int, str | None, str], list[RawHit]]
"""Query, number of results, `d`, `w`, `m`, `y` or None, region -> rows with title, href, body."""

_THREADS = 4
"""Searches at once in one run: more of them from one address only meet the rate limit sooner."""
_REGION = "us-en"  # the community default `wt-wt` is read by several engines as a language
_REGIONS = {
    "ar": "xa-ar", "bg": "bg-bg", "ca": "ct-ca", "cs": "cz-cs", "da": "dk-da", "de": "de-de",
    "el": "gr-el", "en": "us-en", "es": "es-es", "et": "ee-et", "fi": "fi-fi", "fr": "fr-fr",
    "he": "il-he", "hr": "hr-hr", "hu": "hu-hu", "id": "id-id", "it": "it-it", "ja": "jp-jp",
    "ko": "kr-kr", "lt": "lt-lt", "lv": "lv-lv", "nl": "nl-nl", "no": "no-no", "nb": "no-no",
    "pl": "pl-pl", "pt": "pt-pt", "ro": "ro-ro", "ru": "ru-ru", "sk": "sk-sk", "sl": "sl-sl",
    "sv": "se-sv", "th": "th-th", "tr": "tr-tr", "uk": "ua-uk", "vi": "vn-vi", "zh": "cn-zh",
}  # fmt: skip
"""DuckDuckGo knows languages by region only: the one where a language is spoken most."""
_OTHER_REGIONS = {
    "pt-br": "br-pt", "en-gb": "uk-en", "zh-tw": "tw-tzh", "zh-hk": "hk-tzh", "fr-ca": "ca-fr",
    "de-at": "at-de", "de-ch": "ch-de", "es-mx": "mx-es", "es-ar": "ar-es", "nl-be": "be-nl",
}  # fmt: skip


@asynccontextmanager
async def open_duckduckgo(
    timeout_s: float, excluded: Sequence[str] = (), *, community: bool = False
) -> AsyncIterator["ThreadedSearch"]:
    """Open DuckDuckGo search with threads of its own; no key is needed."""
    search = community_search if community else ddgs_search(timeout_s)
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="web_search")
    try:
        name = "langchain" if community else "ddgs"
        yield ThreadedSearch(search, pool, timeout_s, excluded, name)
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
        name: str = "ddgs",
    ) -> None:
        self._search, self._pool, self._name = search, pool, name
        self._timeout_s, self._excluded = timeout_s, excluded

    async def search(self, query: SearchQuery) -> Found:
        """See `SearchBackend.search`."""
        loop = asyncio.get_running_loop()
        text = with_sites(query.text, query.site, self._excluded)
        period = query.recency[0] if query.recency else None
        region = region_of(query.language)
        try:
            async with asyncio.timeout(self._timeout_s):
                rows = await loop.run_in_executor(
                    self._pool, self._search, text, query.max_results, period, region or _REGION
                )
        except Exception as error:
            if not is_no_results(error):
                raise search_failure(error) from error
            rows = []
        lacks = ("language",) if query.language and not region else ()
        return Found(tuple(hits(rows)), self._name, lacks)


def region_of(language: str | None) -> str | None:
    """DuckDuckGo's region of a language; None if it has none."""
    if language is None:
        return None
    other = _OTHER_REGIONS.get(language.lower())
    return other or _REGIONS.get(primary_language(language) or "")


def ddgs_search(timeout_s: float) -> SyncSearch:
    """Return a search by `ddgs`, imported on the first search, in the thread that runs it."""

    def search(query: str, max_results: int, period: str | None, region: str) -> list[RawHit]:
        from ddgs import DDGS

        _be_quiet("ddgs")
        client = DDGS(timeout=max(1, int(timeout_s / 2)))
        return list(client.text(query, region=region, timelimit=period, max_results=max_results))

    return search


def community_search(query: str, max_results: int, period: str | None, region: str) -> list[RawHit]:
    """Search by langchain-community's DuckDuckGo tool."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the package is being sunset
        from langchain_community.tools import DuckDuckGoSearchResults
        from langchain_community.utilities import DuckDuckGoSearchAPIWrapper
    _be_quiet("ddgs")
    wrapper = DuckDuckGoSearchAPIWrapper(region=region, time=period, max_results=max_results)
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


def search_failure(error: BaseException) -> SearchFailure:
    """Say what went wrong. Read from the text: the library never raises its rate limit error."""
    text = f"{type(error).__name__} {error}".lower()
    if any(sign in text for sign in ("ratelimit", "rate limit", "too many requests", "429")):
        return SearchFailure(
            "rate_limited", "The search service limits requests now. Wait, or go on without it."
        )
    if isinstance(error, TimeoutError) or "timed out" in text or "timeout" in text:
        return SearchFailure("timeout", "The search took too long. Try again with fewer words.")
    return SearchFailure("unavailable", "The search service does not answer. Go on without it.")


def _be_quiet(name: str) -> None:
    """Keep a library without configured logging from printing its warnings to the terminal."""
    logging.getLogger(name).addHandler(logging.NullHandler())
