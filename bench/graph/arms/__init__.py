"""What is compared: the same calls (members in parallel, a judge, a writer), several ways."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib import import_module

from bench.graph.arms.base import Arm, Workload

ARMS = {
    "asyncio + aiohttp": "bare_asyncio",
    "LangGraph + ChatOpenAI": "bare_langgraph",
    "LangGraph + our chat model": "lean_langgraph",
    "fusion, Python": "fusion_python",
    "fusion, HTTP": "fusion_http",
    "fusion, HTTP, 2 workers": "fusion_http_twice",
    "fusion, CLI": "fusion_cli",
}
"""Label and module of every arm; imported in the arm's own process."""

BARE = "LangGraph + ChatOpenAI"
LEAN = "LangGraph + our chat model"
OURS = "fusion, Python"
FLOOR = "asyncio + aiohttp"
HTTP = "fusion, HTTP"
HTTP_TWICE = "fusion, HTTP, 2 workers"
CLI = "fusion, CLI"

Open = Callable[[Workload], AbstractAsyncContextManager[Arm]]


def arm(label: str) -> Open:
    """Return what opens an arm."""
    opener: Open = import_module(f"bench.graph.arms.{ARMS[label]}").opened
    return opener
