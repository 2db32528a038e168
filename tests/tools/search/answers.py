"""Answers as the vendors document them, and what becomes of them.

Brave: api-dashboard.search.brave.com; Exa: exa.ai/docs/reference/search; Serper: serper.dev;
Google: developers.google.com/custom-search; Kagi: kagi.com/api/docs/openapi; Tavily:
docs.tavily.com; SearXNG: docs.searxng.org. Long texts are shortened.
"""

from typing import Any, NamedTuple

from langgraph_fusion.tools.search import EngineName, Hit


class Documented(NamedTuple):
    """One engine's answer to a search, an answer without results, and what is read from it."""

    path: str
    answer: dict[str, Any]
    empty: dict[str, Any]
    hits: tuple[Hit, ...]
    cost_usd: float


DOCUMENTED: dict[EngineName, Documented] = {
    "brave": Documented(
        "/web/search",
        {
            "type": "search",
            "query": {"original": "brave search", "more_results_available": True},
            "mixed": {"type": "mixed", "main": [{"type": "web", "index": 0, "all": False}]},
            "web": {
                "type": "search",
                "family_friendly": True,
                "results": [
                    {
                        "title": "Brave Search API | Brave",
                        "url": "https://brave.com/search/api/",
                        "is_source_local": False,
                        "description": "Power your search and AI apps.",
                        "page_age": "2025-01-15T09:30:00",
                        "age": "January 15, 2025",
                        "language": "en",
                        "type": "search_result",
                        "subtype": "generic",
                        "meta_url": {"hostname": "brave.com", "path": "> search > api"},
                        "extra_snippets": ["An independent index.", "No big tech."],
                    },
                    {"title": "Status", "url": "https://status.brave.com/", "age": "2 days ago"},
                ],
            },
        },
        {"type": "search", "query": {"original": "qzxv", "more_results_available": False}},
        (
            Hit(
                "https://brave.com/search/api/",
                "Brave Search API | Brave",
                "Power your search and AI apps. … An independent index. … No big tech.",
                "2025-01-15",
            ),
            Hit("https://status.brave.com/", "Status", "", "*"),
        ),
        0.005,
    ),
    "exa": Documented(
        "/search",
        {
            "requestId": "b5947044c4b78efa9552a7c89b306d95",
            "results": [
                {
                    "title": "A Comprehensive Overview of Large Language Models",
                    "url": "https://arxiv.org/pdf/2307.06435.pdf",
                    "publishedDate": "2023-11-16T01:36:32.547Z",
                    "author": "Humza Naveed, University of Engineering and Technology (UET)",
                    "id": "https://arxiv.org/abs/2307.06435",
                    "image": "https://arxiv.org/pdf/2307.06435.pdf/page_1.png",
                    "favicon": "https://arxiv.org/favicon.ico",
                    "highlights": ["Such requirements have limited their adoption...", "Second."],
                    "highlightScores": [0.46, 0.2],
                }
            ],
            "searchType": "auto",
            "costDollars": {"total": 0.0075},
        },
        {"requestId": "b59", "results": [], "costDollars": {"total": 0.0075}},
        (
            Hit(
                "https://arxiv.org/pdf/2307.06435.pdf",
                "A Comprehensive Overview of Large Language Models",
                "Such requirements have limited their adoption... … Second.",
                "2023-11-16",
            ),
        ),
        0.0075,
    ),
    "serper": Documented(
        "/search",
        {
            "searchParameters": {"q": "google search", "gl": "us", "hl": "en", "type": "search"},
            "knowledgeGraph": {"title": "Google Search", "website": "https://google.com/"},
            "organic": [
                {
                    "title": "Google",
                    "link": "https://www.google.com/?gws_rd=ssl",
                    "snippet": "Search the world's information.",
                    "date": "Oct 9, 2026",
                    "position": 1,
                    "sitelinks": [{"title": "Images", "link": "https://images.google.com/"}],
                }
            ],
            "peopleAlsoAsk": [{"question": "How?", "link": "https://www.google.com/how"}],
            "relatedSearches": [{"query": "google search engine"}],
            "credits": 2,
        },
        {"searchParameters": {"q": "qzxv", "type": "search"}, "credits": 2},
        (
            Hit(
                "https://www.google.com/?gws_rd=ssl",
                "Google",
                "Search the world's information.",
                "2026-10-09",
            ),
        ),
        0.002,
    ),
    "google": Documented(
        "/v1",
        {
            "kind": "customsearch#search",
            "url": {"type": "application/json", "template": "https://www.googleapis.com/…"},
            "queries": {"request": [{"title": "Google Custom Search - lectures", "count": 1}]},
            "searchInformation": {"totalResults": "2"},
            "items": [
                {
                    "kind": "customsearch#result",
                    "title": "Some lectures",
                    "htmlTitle": "Some <b>lectures</b>",
                    "link": "https://ocw.mit.edu/lectures",
                    "displayLink": "ocw.mit.edu",
                    "snippet": "All lectures.",
                    "pagemap": {"metatags": [{"article:published_time": "2024-02-29T08:00:00Z"}]},
                },
                {"title": "Bare", "link": "https://bare.org/"},
            ],
        },
        {"kind": "customsearch#search", "searchInformation": {"totalResults": "0"}},
        (
            Hit("https://ocw.mit.edu/lectures", "Some lectures", "All lectures.", "2024-02-29"),
            Hit("https://bare.org/", "Bare", ""),
        ),
        0.005,
    ),
    "kagi": Documented(
        "/search",
        {
            "meta": {"id": "69c3f5c4168f66b860e951c585550f1c", "node": "us-central1", "ms": 213},
            "data": {
                "search": [
                    {
                        "url": "https://en.wikipedia.org/wiki/Steve_Jobs",
                        "title": "Steve Jobs - Wikipedia",
                        "snippet": "Steven Paul Jobs was an American businessman ...",
                        "time": "2024-11-29T03:54:26Z",
                        "image": {"url": "https://p.kagi.com/x", "height": 1, "width": 1},
                    }
                ],
                "related_search": [{"url": "https://kagi.com/search?q=x", "title": "x"}],
            },
        },
        {"meta": {"id": "69c", "node": "us", "ms": 1}, "data": {"related_search": []}},
        (
            Hit(
                "https://en.wikipedia.org/wiki/Steve_Jobs",
                "Steve Jobs - Wikipedia",
                "Steven Paul Jobs was an American businessman ...",
                "2024-11-29",
            ),
        ),
        0.012,
    ),
    "tavily": Documented(
        "/search",
        {
            "query": "Who is Leo Messi?",
            "answer": None,
            "images": [],
            "results": [
                {
                    "title": "Lionel Messi Facts | Britannica",
                    "url": "https://www.britannica.com/facts/Lionel-Messi",
                    "content": "Lionel Messi, an Argentine footballer.",
                    "score": 0.81025416,
                    "raw_content": None,
                    "published_date": "Tue, 24 Nov 2026 12:00:00 GMT",
                }
            ],
            "response_time": 1.67,
            "usage": {"credits": 1},
            "request_id": "123e4567-e89b-12d3-a456-426614174111",
        },
        {"query": "qzxv", "results": [], "response_time": 1.0, "usage": {"credits": 1}},
        (
            Hit(
                "https://www.britannica.com/facts/Lionel-Messi",
                "Lionel Messi Facts | Britannica",
                "Lionel Messi, an Argentine footballer.",
                "2026-11-24",
            ),
        ),
        0.008,
    ),
    "searxng": Documented(
        "/search",
        {
            "query": "searxng",
            "number_of_results": 0,
            "results": [
                {
                    "url": "https://docs.searxng.org/",
                    "title": "Welcome to SearXNG",
                    "content": "Search without being tracked.",
                    "publishedDate": "2026-03-01T00:00:00",
                    "engine": "brave",
                    "engines": ["brave"],
                    "score": 1.0,
                    "category": "general",
                }
            ],
            "answers": [],
            "suggestions": [],
            "unresponsive_engines": [["duckduckgo", "CAPTCHA"]],
        },
        {"query": "qzxv", "results": [], "unresponsive_engines": []},
        (
            Hit(
                "https://docs.searxng.org/",
                "Welcome to SearXNG",
                "Search without being tracked.",
                "2026-03-01",
            ),
        ),
        0.0,
    ),
}
