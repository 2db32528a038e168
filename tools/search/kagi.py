"""Kagi's search, version 1, https://kagi.com/api/docs/openapi. It knows regions, no languages."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from langgraph_fusion.tools.search.base import DAYS, Hit, SearchQuery
from langgraph_fusion.tools.search.http import Json, Request, hit, rows_of


def request(query: SearchQuery, key: str, excluded: Sequence[str]) -> Request:
    """Sites are the business of a lens, which holds for this request only."""
    body: dict[str, Any] = {"query": query.text, "workflow": "search", "limit": query.max_results}
    lens: dict[str, Any] = {}
    if query.site:
        lens["sites_included"] = [query.site]
    if excluded:
        lens["sites_excluded"] = list(excluded)
    if lens:
        body["lens"] = lens
    if query.recency:
        since = datetime.now(UTC) - timedelta(days=DAYS[query.recency])
        body["filters"] = {"after": since.date().isoformat()}
    lacks = ("language",) if query.language else ()
    headers = {"Authorization": f"Bearer {key}"}
    return Request("POST", "/search", body=body, headers=headers, not_applied=lacks)


def read(answer: Json) -> list[Hit]:
    """Results of other kinds, such as related searches, stand beside `search`."""
    empty = isinstance(answer["data"], dict) and "search" not in answer["data"]
    rows = [] if empty else rows_of(answer, "data", "search")
    return [hit(row, "url", "title", row.get("snippet"), row.get("time")) for row in rows]


def cost_usd(answer: Json, listed: float) -> float:
    """Every answered request costs the same."""
    return listed
