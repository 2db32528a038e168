"""Exa's search, https://exa.ai/docs/reference/search. It has no filter for languages."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from langgraph_fusion.tools.search.base import DAYS, Hit, SearchQuery
from langgraph_fusion.tools.search.http import Json, Request, hit, joined, number_of, rows_of

_MAX_RESULTS = 10
"""For more it charges more."""


def request(query: SearchQuery, key: str, excluded: Sequence[str]) -> Request:
    """With the passages that answer the query, which cost nothing more."""
    body: dict[str, Any] = {
        "query": query.text,
        "type": "auto",
        "numResults": min(query.max_results, _MAX_RESULTS),
        "contents": {"highlights": True},
    }
    if query.recency:
        since = datetime.now(UTC) - timedelta(days=DAYS[query.recency])
        body["startPublishedDate"] = since.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if query.site:
        body["includeDomains"] = [query.site]
    elif excluded:  # it takes one of the two
        body["excludeDomains"] = list(excluded)
    lacks = ("language",) if query.language else ()
    return Request("POST", "/search", body=body, headers={"x-api-key": key}, not_applied=lacks)


def read(answer: Json) -> list[Hit]:
    """The highlights of a page are one excerpt."""
    return [
        hit(row, "url", "title", _snippet(row), row.get("publishedDate"))
        for row in rows_of(answer, "results")
    ]


def cost_usd(answer: Json, listed: float) -> float:
    """It says what it charged."""
    costs = answer.get("costDollars")
    said = number_of(costs.get("total")) if isinstance(costs, dict) else None
    return listed if said is None else said


def _snippet(row: Json) -> str:
    return joined(row.get("highlights") or row.get("summary") or row.get("text"))
