"""What an error body says, in whichever form a server sends it: nothing in here raises.

Read are `{"error": {"message"}}`, `{"error": "…"}`, `{"detail": …}`, `{"message"}`, `{"msg"}`,
`{"errors": […]}`, `{"message", "errors": {"field": […]}}`, lists of these, plain text, and what
OpenRouter passes on of a vendor. Of a body in no known form the sentences in it are taken, wherever
they stand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

_WORDS = (
    "message", "msg", "error", "detail", "errors", "error_message", "errorMessage", "Message",
    "error_description", "description", "reason", "title", "fault", "faultstring", "exception",
    "text",
)  # fmt: skip
_CODES = ("code", "type", "status", "error_code", "errorCode")
_DEPTH = 5
_ITEMS = 5
_MAX_PARTS = 400
"""Parts of a body in which sentences are looked for."""
_NO_WORDS = frozenset({"headers", "metadata", "input", "request", "trace", "stack", "stacktrace"})
"""Members of a body that are not meant for readers."""


def words_of(body: Any) -> str:
    """Return what a body says went wrong; empty if it says nothing."""
    said = _words(body, _DEPTH) or "; ".join(islice(_sentences(body), _ITEMS))
    raw = "; ".join(filter(None, (_words(one.get("raw"), 1) for one in _metadata(body))))
    for more in (*_particulars(body), raw):
        if more and more not in said:
            said = f"{said}: {more}" if said else more
    return said


def codes_of(body: Any) -> list[str]:
    """Return the codes and types of error that a body names, outermost first."""
    named = (one.get(key) for one in _objects(body, _DEPTH) for key in _CODES)
    return [str(code) for code in named if isinstance(code, str | int) and code]


def status_of(body: Any) -> int | None:
    """Return the HTTP status that a body names."""
    return next((code for code in map(as_status, codes_of(body)) if code), None)


def as_status(code: Any) -> int | None:
    """Return the code as an HTTP status of an error, if it is one."""
    text = str(code) if isinstance(code, str | int) else ""
    return int(text) if len(text) == 3 and text.isdecimal() and 400 <= int(text) <= 599 else None


def names_vendor(body: Any) -> bool:
    """Whether OpenRouter names the vendor whose error this is."""
    return any(one.get("provider_name") for one in _metadata(body))


def passed_on_headers(body: Any) -> dict[str, Any]:
    """Return the headers of a vendor's answer that OpenRouter passes on."""
    found = (one.get("headers") for one in _metadata(body))
    return next((headers for headers in found if isinstance(headers, dict)), {})


def _words(body: Any, depth: int) -> str:
    if isinstance(body, str):
        return body.strip()
    if depth <= 0:
        return ""
    if isinstance(body, list):
        return "; ".join(filter(None, (_words(one, depth - 1) for one in body[:_ITEMS])))
    if not isinstance(body, dict):
        return ""
    said = next(filter(None, (_words(body.get(key), depth - 1) for key in _WORDS)), "")
    where = body.get("loc")  # FastAPI
    if said and isinstance(where, list | tuple):
        return f"{'.'.join(str(part)[:80] for part in where[:_ITEMS])}: {said}"
    return said


def _particulars(body: Any) -> Iterator[str]:
    """What a general message leaves to the `errors` beside it: a list, or texts by field."""
    for one in islice(_objects(body, _DEPTH), _ITEMS):
        errors = one.get("errors")
        general = any(isinstance(one.get(key), str) for key in _WORDS)
        if general and isinstance(errors, dict):
            yield "; ".join(_of_fields(errors))
        elif general:
            yield _words(errors, _DEPTH - 1)


def _of_fields(errors: dict[str, Any]) -> Iterator[str]:
    for name, given in islice(errors.items(), _ITEMS):
        if said := _words(given, 2):
            yield f"{str(name)[:80]}: {said}"


def _sentences(body: Any) -> Iterator[str]:
    """The texts of several words in a body, the outermost first; a list of them with its name."""
    parts = deque([("", body)])
    for _ in range(_MAX_PARTS):
        if not parts:
            return
        name, part = parts.popleft()
        if isinstance(part, str) and len(part.split(maxsplit=1)) > 1:
            yield f"{name}: {part.strip()}" if name else part.strip()
        elif isinstance(part, dict):
            inner = islice(part.items(), 50)
            parts.extend(
                (str(key)[:80] if isinstance(one, list) else "", one)
                for key, one in inner
                if str(key).lower() not in _NO_WORDS
            )
        elif isinstance(part, list):
            parts.extend((name, one) for one in part[:_ITEMS])


def _objects(body: Any, depth: int) -> Iterator[dict[str, Any]]:
    """The object itself, and those that its errors stand in."""
    if isinstance(body, list) and depth > 0:
        for one in body[:_ITEMS]:
            yield from _objects(one, depth - 1)
    if isinstance(body, dict) and depth > 0:
        yield body
        for key in ("error", "errors", "detail"):
            yield from _objects(body.get(key), depth - 1)


def _metadata(body: Any) -> Iterator[dict[str, Any]]:
    for one in _objects(body, _DEPTH):
        given = one.get("metadata")
        if isinstance(given, dict):
            yield given
        elif isinstance(given, str):
            yield {"raw": given}
