"""A SearXNG server, which must have `json` among its `search.formats`.

https://docs.searxng.org/dev/search_api.html. Whether the engines behind it heed period, language
and `site:` depends on them.
"""

from collections.abc import Sequence

from langgraph_fusion.tools.search.base import Hit, SearchFailure, SearchQuery, with_sites
from langgraph_fusion.tools.search.http import Json, Request, hit, rows_of


def request(query: SearchQuery, key: str, excluded: Sequence[str]) -> Request:
    """`site:` and `-site:` are passed on to the engines behind it."""
    params = {"q": with_sites(query.text, query.site, excluded), "format": "json"}
    if query.recency:
        params["time_range"] = query.recency
    if query.language:
        params["language"] = query.language
    return Request("GET", "/search", params)


def read(answer: Json) -> list[Hit]:
    """No results and engines that did not answer is a failure."""
    hits = [
        hit(row, "url", "title", row.get("content"), row.get("publishedDate"))
        for row in rows_of(answer, "results")
    ]
    if not hits and answer.get("unresponsive_engines"):
        raise _engines_down(str(answer["unresponsive_engines"]).lower())
    return hits


def cost_usd(answer: Json, listed: float) -> float:
    """Nobody charges for it."""
    return 0.0


def _engines_down(why: str) -> SearchFailure:
    if any(sign in why for sign in ("too many requests", "captcha", "suspended")):
        return SearchFailure("rate_limited", "SearXNG's engines limit requests now.", status=200)
    return SearchFailure("unavailable", "None of SearXNG's engines answered.", status=200)
