"""What a member may call. Importing this is cheap: the tools are loaded when asked for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.tools import BaseTool

TOOL_GROUPS: dict[str, tuple[str, ...]] = {
    "web_search": ("web_search",),
    "web_fetch": ("web_fetch",),
    "docs": ("docs_search", "docs_read"),
    "bash": ("bash",),
}
"""What a seat's `tools` setting may name, and the tools that each gives."""


def own_tools(groups: "Iterable[str]") -> set[str]:
    """Names of the tools that these entries of a `tools` setting give, without those of servers."""
    return {name for group in groups for name in TOOL_GROUPS.get(group, ())}


def member_tools() -> "list[BaseTool]":
    """Return all tools in a fixed order, so that every request begins with the same bytes.

    They are static: each gets the member's `ToolContext` as `runtime.context` of its agent, which
    is built with `context_schema=ToolContext` and called with `context=context`.
    """
    from langgraph_fusion.tools.bash import bash
    from langgraph_fusion.tools.docs import docs_read, docs_search
    from langgraph_fusion.tools.web_fetch import web_fetch
    from langgraph_fusion.tools.web_search import web_search

    return [web_search, web_fetch, docs_search, docs_read, bash]
