"""Tavily's search, https://docs.tavily.com/documentation/api-reference/endpoint/search."""

from collections.abc import Sequence
from typing import Any

from langgraph_fusion.tools.search.base import Hit, SearchQuery
from langgraph_fusion.tools.search.http import Json, Request, hit, number_of, rows_of

_MAX_RESULTS = 20


def request(query: SearchQuery, key: str, excluded: Sequence[str]) -> Request:
    """It has lists of domains and no filter for languages."""
    body: dict[str, Any] = {
        "query": query.text,
        "max_results": min(query.max_results, _MAX_RESULTS),
        "include_usage": True,
    }
    if query.recency:
        body["time_range"] = query.recency
    if query.site:
        body["include_domains"] = [query.site]
    if excluded:
        body["exclude_domains"] = list(excluded)
    lacks = ("language",) if query.language else ()
    headers = {"Authorization": f"Bearer {key}"}
    return Request("POST", "/search", body=body, headers=headers, not_applied=lacks)


def read(answer: Json) -> list[Hit]:
    """News have a date."""
    return [
        hit(row, "url", "title", row.get("content"), row.get("published_date"))
        for row in rows_of(answer, "results")
    ]


def cost_usd(answer: Json, listed: float) -> float:
    """It says how many credits it took; `listed` is the price of one."""
    used = answer.get("usage")
    credits_ = number_of(used.get("credits")) if isinstance(used, dict) else None
    return listed if credits_ is None else credits_ * listed
