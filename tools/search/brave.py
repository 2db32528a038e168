"""Brave's web search, https://api-dashboard.search.brave.com/api-reference/web/search/get."""

from collections.abc import Sequence

from langgraph_fusion.tools.search.base import Hit, SearchQuery, primary_language, with_sites
from langgraph_fusion.tools.search.http import Json, Request, hit, joined, rows_of

_MAX_RESULTS = 20
_MAX_QUERY = 400
_MAX_WORDS = 50
_LANGUAGES = frozenset({
    "ar", "bg", "bn", "ca", "cs", "da", "de", "en", "en-gb", "es", "et", "eu", "fi", "fr", "gl",
    "gu", "he", "hi", "hr", "hu", "is", "it", "jp", "kn", "ko", "lt", "lv", "ml", "mr", "ms", "nb",
    "nl", "pa", "pl", "pt-br", "pt-pt", "ro", "ru", "sk", "sl", "sr", "sv", "ta", "te", "th", "tr",
    "uk", "vi", "zh-hans", "zh-hant",
})  # fmt: skip
_ITS_OWN = {
    "ja": "jp", "zh": "zh-hans", "zh-cn": "zh-hans", "zh-tw": "zh-hant", "zh-hk": "zh-hant",
    "pt": "pt-pt", "no": "nb",
}  # fmt: skip


def request(query: SearchQuery, key: str, excluded: Sequence[str]) -> Request:
    """`site:` and `-site:` are operators of its query."""
    params = {
        "q": _fitting(query, excluded),
        "count": str(min(query.max_results, _MAX_RESULTS)),
        "result_filter": "web",
        "text_decorations": "false",
        "extra_snippets": "true",
    }
    if query.recency:
        params["freshness"] = f"p{query.recency[0]}"
    language = _language(query.language)
    if language:
        params["search_lang"] = language
    lacks = ("language",) if query.language and not language else ()
    headers = {"X-Subscription-Token": key}
    return Request("GET", "/web/search", params, headers=headers, not_applied=lacks)


def read(answer: Json) -> list[Hit]:
    """An answer without web results has no `web`."""
    rows = rows_of(answer, "web", "results") if "web" in answer or "query" not in answer else []
    return [
        hit(row, "url", "title", _snippet(row), row.get("page_age") or row.get("age"))
        for row in rows
    ]


def cost_usd(answer: Json, listed: float) -> float:
    """Every answered request costs the same."""
    return listed


def _fitting(query: SearchQuery, excluded: Sequence[str]) -> str:
    """The query with as many excluded sites as it has room for."""
    for kept in range(len(excluded), 0, -1):
        text = with_sites(query.text, query.site, excluded[:kept])
        if len(text) <= _MAX_QUERY and len(text.split()) <= _MAX_WORDS:
            return text
    return with_sites(query.text, query.site)


def _snippet(row: Json) -> str:
    extra = row.get("extra_snippets")
    return joined([row.get("description"), *(extra if isinstance(extra, list) else [])])


def _language(language: str | None) -> str | None:
    for name in ((language or "").lower(), primary_language(language) or ""):
        own = _ITS_OWN.get(name, name)
        if own in _LANGUAGES:
            return own
    return None
