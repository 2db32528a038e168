"""Google's results through Serper, https://serper.dev."""

from collections.abc import Sequence
from typing import Any

from langgraph_fusion.tools.search.base import Hit, SearchQuery, primary_language, with_sites
from langgraph_fusion.tools.search.http import Json, Request, hit, number_of, rows_of

_MAX_RESULTS = 10
"""More cost two credits."""


def request(query: SearchQuery, key: str, excluded: Sequence[str]) -> Request:
    """`site:` and `-site:` are operators of Google's query."""
    body: dict[str, Any] = {
        "q": with_sites(query.text, query.site, excluded),
        "num": min(query.max_results, _MAX_RESULTS),
    }
    if query.recency:
        body["tbs"] = f"qdr:{query.recency[0]}"
    if query.language:
        body["hl"] = _language(query.language)
    return Request("POST", "/search", body=body, headers={"X-API-KEY": key})


def read(answer: Json) -> list[Hit]:
    """An answer without results still repeats the parameters."""
    empty = "organic" not in answer and "searchParameters" in answer
    rows = [] if empty else rows_of(answer, "organic")
    return [hit(row, "link", "title", row.get("snippet"), row.get("date")) for row in rows]


def cost_usd(answer: Json, listed: float) -> float:
    """It says how many credits it took; `listed` is the price of one."""
    credits_ = number_of(answer.get("credits"))
    return listed if credits_ is None else credits_ * listed


def _language(language: str) -> str:
    """Google tells the two ways to write Chinese apart, and no other language by country."""
    if primary_language(language) == "zh":
        return "zh-tw" if language.lower() in ("zh-tw", "zh-hk", "zh-hant") else "zh-cn"
    return primary_language(language) or ""
