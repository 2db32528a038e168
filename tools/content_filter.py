"""Texts that members of a run must not read, wherever they are hosted.

An exclusion rule knows addresses. A filter knows contents: an evaluation passes one that recognises
the answer key of its task, so that a copy under an address nobody listed is dropped as well.
"""

from typing import NamedTuple, Protocol

from langgraph_fusion.tools.errors import ToolFailure


class ContentMatch(NamedTuple):
    """Why a text is kept from a member; never a part of the text."""

    rule: str
    found: int
    """How many of the things the rule looks for are in the text."""


class ContentFilter(Protocol):
    """Looks at every search hit, page, document and tool result before a member is shown it."""

    def match(self, text: str) -> ContentMatch | None:
        """Say why this text must not be shown; None if it may. Called from several threads."""


class ExcludedContent(ToolFailure):
    """What a tool found is kept from this run's members because of what it says."""

    def __init__(self, url: str, match: ContentMatch) -> None:
        super().__init__("excluded", "What is there is excluded from this run. Use other sources.")
        self.args = (url, match)
        self.url = url
        self.match = match
