"""Google's Custom Search JSON API, https://developers.google.com/custom-search/v1/reference.

It is closed to new customers, and ends for all others on 2027-01-01.
"""

import os
from collections.abc import Sequence

from langgraph_fusion.tools.search.base import Hit, SearchQuery, primary_language, with_sites
from langgraph_fusion.tools.search.http import Json, Request, hit, rows_of

_MAX_RESULTS = 10
_DATES = ("article:published_time", "og:updated_time", "article:modified_time", "date")


def request(query: SearchQuery, key: str, excluded: Sequence[str]) -> Request:
    """The key goes in a header, so that no address holds it."""
    params = {
        "q": with_sites(query.text, None, excluded),
        "cx": os.environ.get("GOOGLE_CSE_ID", "").strip(),
        "num": str(min(query.max_results, _MAX_RESULTS)),
    }
    if query.recency:
        params["dateRestrict"] = f"{query.recency[0]}1"
    if query.site:
        params |= {"siteSearch": query.site, "siteSearchFilter": "i"}
    if query.language:
        params["lr"] = f"lang_{_language(query.language)}"
    return Request("GET", "/v1", params, headers={"X-Goog-Api-Key": key})


def read(answer: Json) -> list[Hit]:
    """An answer without results has no `items`."""
    if "items" not in answer and answer.get("kind") == "customsearch#search":
        return []
    return [
        hit(row, "link", "title", row.get("snippet"), _published(row))
        for row in rows_of(answer, "items")
    ]


def cost_usd(answer: Json, listed: float) -> float:
    """Every answered request costs the same; how many of the free ones are left is not known."""
    return listed


def _published(row: Json) -> object:
    pages = row.get("pagemap")
    tags = pages.get("metatags") if isinstance(pages, dict) else None
    first = tags[0] if isinstance(tags, list) and tags and isinstance(tags[0], dict) else {}
    return next((first[name] for name in _DATES if first.get(name)), None)


def _language(language: str) -> str:
    if primary_language(language) == "zh":
        return "zh-TW" if language.lower() in ("zh-tw", "zh-hk", "zh-hant") else "zh-CN"
    return primary_language(language) or ""
