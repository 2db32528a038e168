"""Parse how long a server asks clients to wait."""

from __future__ import annotations

import math
import time
from email.utils import parsedate_to_datetime

from langgraph_fusion.models.error_bodies import passed_on_headers

_DAY_S = 24 * 3600.0


def retry_after_s(error: BaseException, *, now: float | None = None) -> float | None:
    """Return the seconds to wait that an error's response names: not negative, at most a day.

    Read are `Retry-After-Ms`, `Retry-After` (seconds or a date, RFC 9110 §10.2.3) and, in
    OpenRouter's error bodies, `X-RateLimit-Reset` (milliseconds since 1970).
    """
    now = time.time() if now is None else now
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return _bounded(milliseconds / 1000)
    if given := headers.get("retry-after"):
        return header_s(str(given), now=now)
    reset = _number(passed_on_headers(getattr(error, "body", None)).get("X-RateLimit-Reset"))
    return None if reset is None else _bounded(reset / 1000 - now)


def header_s(given: str, *, now: float | None = None) -> float | None:
    """Return the seconds that a `Retry-After` header names, as a number or as a date."""
    now = time.time() if now is None else now
    if (seconds := _number(given)) is not None:
        return _bounded(seconds)
    try:
        return _bounded(parsedate_to_datetime(given).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), _DAY_S)


def _number(text: object) -> float | None:
    try:
        number = float(str(text))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
