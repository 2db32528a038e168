"""The failure of a tool: one error type with a closed set of reasons."""

from typing import Literal

Reason = Literal[
    "rate_limited",
    "unavailable",
    "unauthorized",
    "insufficient_credits",
    "budget",
    "excluded",
    "blocked_address",
    "too_large",
    "unsupported_type",
    "timeout",
    "http_status",
    "not_found",
    "invalid_arguments",
    "sandbox_unavailable",
    "tool_error",
]


class ToolFailure(Exception):
    """A tool could not do its work. The message is written for the model that called it.

    It names the thing and the way out, and never holds host paths, internal addresses, keys or
    a stack trace. An empty search result or a failing command is not a failure but a text.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message)  # both, so that it survives pickling
        self.reason: Reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


class ExcludedUrl(ToolFailure):
    """The URL, or one it redirects to, matches an exclusion rule of this run."""

    def __init__(self, url: str, rule: str, where: Literal["query", "fetch", "redirect"]) -> None:
        super().__init__("excluded", _EXCLUDED[where])
        self.args = (url, rule, where)
        self.url = url
        self.rule = rule
        self.where: Literal["query", "fetch", "redirect"] = where


_EXCLUDED = {
    "query": "This query asks for a site that is excluded from this run. Search elsewhere.",
    "fetch": "This address is excluded from this run. Use other sources.",
    "redirect": "This address redirects to one that is excluded from this run. Use other sources.",
}
