"""The tools a member may call in this turn, and how to spell a call to them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from langgraph_fusion.models.offline.blocks import Source
from langgraph_fusion.models.offline.chat import Tools

Call = tuple[str, dict[str, Any]]
_BY_ID = ("id", "id_or_path", "source_id", "source", "document_id", "doc_id")
_BY_URL = ("url", "uri", "link")


class Toolbox:
    """Knows which of the bound tools search, read and compute; documents come before the web."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.searcher = _first(tools, "docs_search", "web_search")
        self.has_bash = "bash" in tools

    def search(self, query: str) -> Call:
        """Return a call of the search tool; only valid when there is a `searcher`."""
        return self.searcher, {self._parameter(self.searcher, ("query", "q")): query}

    def read(self, source: Source) -> Call | None:
        """Return the call that reads the whole source, or None if no bound tool can."""
        reader = "docs_read" if source.url.startswith("docs:") else "web_fetch"
        if reader not in self._tools:
            return None
        name = self._parameter(reader, (*_BY_ID, *_BY_URL, "path", "file"))
        if name in _BY_ID:
            return reader, {name: source.id}
        if name in _BY_URL:
            return reader, {name: source.url}
        return reader, {name: _path(source.url)}

    def bash(self, command: str) -> Call:
        """Return a call of bash."""
        return "bash", {self._parameter("bash", ("command", "cmd")): command}

    def _parameter(self, tool: str, preferred: tuple[str, ...]) -> str:
        names = list(self._tools[tool].get("properties", {}))
        return next(
            (name for name in preferred if name in names), names[0] if names else preferred[0]
        )


def document_of(source: Source) -> str:
    """Return the address of the whole document a passage is from."""
    return source.url.partition("#")[0] or source.id


def _path(url: str) -> str:
    return unquote(url.removeprefix("docs:").partition("#")[0])


def _first(tools: Tools, *names: str) -> str:
    return next((name for name in names if name in tools), "")
