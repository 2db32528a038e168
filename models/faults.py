"""Classify what went wrong with a model call."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from langgraph_fusion.models.error_bodies import (
    as_status,
    codes_of,
    names_vendor,
    status_of,
    words_of,
)
from langgraph_fusion.models.errors import BadResponse, ModelConfigError, UpstreamError
from langgraph_fusion.models.loopback import is_loopback
from langgraph_fusion.models.retry_after import retry_after_s
from langgraph_fusion.models.text import clean_detail

Reason = Literal[
    "timeout",
    "rate_limited",
    "insufficient_credits",
    "invalid_model",
    "unauthorized",
    "forbidden",
    "context_too_long",
    "tools_unsupported",
    "tools_required",
    "tool_choice_unsupported",
    "images_unsupported",
    "content_filter",
    "refused",
    "empty",
    "truncated",
    "upstream_error",
    "connection",
    "bad_response",
    "cancelled",
    "unexpected_error",
]
REASONS: tuple[Reason, ...] = get_args(Reason)

_PASSING = frozenset(
    {"timeout", "rate_limited", "empty", "upstream_error", "connection", "bad_response"}
)
_STATUS: dict[int, Reason] = {
    401: "unauthorized",
    402: "insufficient_credits",
    403: "forbidden",
    404: "invalid_model",
    408: "timeout",
    413: "context_too_long",
    429: "rate_limited",
    504: "timeout",
    524: "timeout",
}
_SAID: dict[Reason, tuple[str, ...]] = {
    "images_unsupported": (  # before `invalid_model`, for the same reason as the next
        "support image input",
        "supports image input",
        "support image_url",
        "support images",
        "support image content",
        "support vision",
        "supports vision",
        "support multimodal",
        "image input is not supported",
        "image inputs are not supported",
        "images are not supported",
        "image_url is not supported",
        "image_url is only supported by certain models",
        "unknown variant `image_url`",
        "vision is not supported",
        "vision capabilit",
        "not a multimodal model",
        "not a vision model",
        "cannot process images",
        "cannot read images",
        "cannot see images",
    ),
    "tools_unsupported": (  # before `invalid_model`: OpenRouter says both in one sentence
        "support tool use",
        "not support tool",
        "tools is not supported",
        "tools are not supported",
        "tool calling is not supported",
        "`tool calling` is not supported",
        "function calling is not supported",
        "not support function calling",
        "requires --enable-auto-tool-choice",
    ),
    "tools_required": (  # the transcript has tool calls and the request offers no tools
        "toolconfig field must be defined",
        "expects the `tools=` param",
        "requires `tools=` param",
        "requires tools to be defined",
    ),
    "tool_choice_unsupported": ("tool_choice",),
    "context_too_long": (
        "context_length",
        "context length",
        "context window",
        "context size",
        "context limit",
        "prompt is too long",
        "prompt too long",
        "input is too long",
        "maximum context",
        "maximum prompt length",
        "model token limit",
        "too many tokens",
        "too large for model",
        "input tokens exceed",
        "input token count",
        "prompt token count",
        "reduce the length of the messages",
        "request_too_large",
    ),
    "invalid_model": (
        "not a valid model",
        "model_not_found",
        "no endpoints found",
        "unknown model",
    ),
    "insufficient_credits": ("insufficient_quota", "insufficient credits", "credit balance"),
    "content_filter": ("content_filter", "content policy", "content_policy", "moderation"),
}
"""What providers say; the sentences, with their authors, are in `tests/models/test_faults.py`."""
_SAID_WITH: dict[Reason, frozenset[int | None]] = {
    "images_unsupported": frozenset({400, 404, 415, 422, 500, 501, None}),
    "tools_unsupported": frozenset({400, 404, 422, 500, 501, None}),
    "tools_required": frozenset({400, 422, 500, None}),
    "tool_choice_unsupported": frozenset({400, 404, 422, None}),
    "context_too_long": frozenset({400, 413, 422, 500, None}),
    "invalid_model": frozenset({400, 404, 422, None}),
    "insufficient_credits": frozenset({400, 402, 403, 429, None}),
    "content_filter": frozenset({400, 403, 422, 451, None}),
}


@dataclass(frozen=True)
class Fault:
    """Why a call gave no usable answer."""

    reason: Reason
    detail: str = ""
    """What the server said: at most 300 characters, no keys, no headers."""
    status_code: int | None = None
    retry_after_s: float | None = None
    """Seconds the server asks to wait."""
    upstream: bool = False
    """A router passes on what one vendor behind it said: it concerns this model alone."""
    reported: bool = False
    """The provider's own error object says so, not a page of a gateway in front of it."""
    unsent: bool = False
    """No connection was made: nobody has seen the request."""
    nobody_listens: bool = False
    """An address of this machine refused the connection: no server runs there."""

    @property
    def retryable(self) -> bool:
        """Whether the same call may work later; waiting starts no server on this machine."""
        passing = self.reason in _PASSING and not self.nobody_listens
        return passing and self.status_code not in (400, 422)

    @property
    def was_silent(self) -> bool:
        """Whether our own time limit ended a call that had reached the model, not a gateway's."""
        return self.reason == "timeout" and self.status_code is None and not self.unsent

    @property
    def switch(self) -> bool:
        """Whether another model may do it."""
        return self.reason != "cancelled"


def fault_of(error: BaseException) -> Fault:
    """Classify an exception of a model call, of OpenAI's or any other provider's client."""
    chain = list(_chain(error))
    status = next((code for code in map(_status_of, chain) if code), None)
    said = _connection_words(chain) or _words_of(error)
    codes = " ".join(code for link in chain for code in codes_of(_body_of(link)))
    reason = _reason_of(chain, status, f"{said} {codes}".lower())
    wait = next((s for s in map(retry_after_s, chain) if s is not None), None)
    return Fault(
        reason,
        clean_detail(said or type(error).__name__),
        status,
        wait,
        upstream=any(names_vendor(_body_of(link)) for link in chain),
        reported=any(isinstance(link, UpstreamError) or _is_reported(link) for link in chain),
        unsent=any(type(link).__name__ in _UNSENT for link in chain),
        nobody_listens=any(_is_refused_here(link) for link in chain),
    )


def _reason_of(chain: list[BaseException], status: int | None, said: str) -> Reason:
    if isinstance(chain[0], asyncio.CancelledError):
        return "cancelled"
    if _comes_from_a_server(chain, status):
        for reason, words in _SAID.items():
            if _matches(reason, words, status, said):
                return reason
    if status is not None:
        return _STATUS.get(status, "upstream_error")
    for link in reversed(chain):  # the root cause first: clients call a dropped line a timeout
        if found := _reason_of_type(link):
            return found
    return "unexpected_error"


def _matches(reason: Reason, words: tuple[str, ...], status: int | None, said: str) -> bool:
    return status in _SAID_WITH[reason] and any(word in said for word in words)


def _comes_from_a_server(chain: list[BaseException], status: int | None) -> bool:
    """Keep words of our own configuration errors and of local bugs from being matched."""
    return status is not None or any(
        isinstance(link, UpstreamError) or type(link).__module__.startswith(_CLIENTS)
        for link in chain
    )


_CLIENTS = ("openai", "langchain", "anthropic", "google", "httpx", "groq", "mistralai")
_UNSENT = ("ConnectError", "ConnectTimeout", "ClientConnectorError", "ConnectionTimeoutError")
_KINDS: tuple[tuple[Reason, tuple[str, ...]], ...] = (
    # by the name of the class or of one of its parents, so that no client has to be imported
    ("context_too_long", ("ContextOverflowError",)),
    ("truncated", ("LengthFinishReasonError",)),
    ("content_filter", ("ContentFilterFinishReasonError",)),
    ("bad_response", ("APIResponseValidationError", "ContentTypeError", "DecodingError")),
    ("connection", ("ClientOSError", "ServerDisconnectedError", "ClientPayloadError")),
    ("timeout", ("TimeoutException", "APITimeoutError", "ServerTimeoutError")),
    ("connection", ("TransportError", "ClientConnectionError", "APIConnectionError", "InvalidURL")),
    ("upstream_error", ("APIError",)),
)


def _reason_of_type(error: BaseException) -> Reason | None:
    if isinstance(error, UpstreamError):
        return "upstream_error"
    if isinstance(error, BadResponse | json.JSONDecodeError):
        return "bad_response"
    if isinstance(error, ModelConfigError):
        return "invalid_model"
    if isinstance(error, TimeoutError):
        return "timeout"
    parents = {kind.__name__ for kind in type(error).__mro__}
    for reason, names in _KINDS:
        if parents.intersection(names):
            return reason
    return _reason_of_builtin(error)


def _reason_of_builtin(error: BaseException) -> Reason | None:
    if isinstance(error, ConnectionError):
        return "connection"
    if isinstance(error, ValueError) and error.args:
        # LangChain raises a bare ValueError for an error body, and for a stream without a chunk.
        if isinstance(error.args[0], dict):
            return "upstream_error"
        if "generation chunks" in str(error):
            return "bad_response"
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__


def _body_of(error: BaseException) -> Any:
    body = _attribute(error, "body")
    if body is None and error.args and isinstance(error.args[0], dict):
        body = error.args[0]  # LangChain
    return body


def _is_reported(error: BaseException) -> bool:
    """Whether the provider's error object says so, not the error page of a gateway."""
    body = _body_of(error)
    return isinstance(body, dict | list) and bool(body)


def _status_of(error: BaseException) -> int | None:
    return as_status(_attribute(error, "status_code")) or status_of(_body_of(error))


def _connection_words(chain: list[BaseException]) -> str:
    """Why no connection was made; the SDK calls it a timeout, whatever it was."""
    for link in chain:
        cause, host = _attribute(link, "os_error"), _attribute(link, "host")
        if isinstance(cause, OSError) and isinstance(host, str):
            number = cause.errno or 0
            why = os.strerror(number) if number > 0 else cause.strerror or cause
            asked = "is the server running, and is the address right?"
            return f"no connection to {host}:{_attribute(link, 'port')} ({why}): {asked}"
    return ""


def _is_refused_here(error: BaseException) -> bool:
    """Whether a loopback address refused the connection, as aiohttp's client tells it."""
    cause, host = _attribute(error, "os_error"), _attribute(error, "host")
    refused = isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED
    return refused and isinstance(host, str) and is_loopback(host)


def _words_of(error: BaseException) -> str:
    said = words_of(_body_of(error)) or _attribute(error, "message")
    if isinstance(said, str) and said:
        return said
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception of somebody else's that cannot be shown
        return ""


def _attribute(error: BaseException, name: str) -> Any:
    try:
        return getattr(error, name, None)
    except Exception:  # noqa: BLE001 - a property of somebody else's exception
        return None
