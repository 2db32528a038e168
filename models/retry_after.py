"""How long a server asks to wait."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any


def retry_after_s(error: BaseException, *, now: float | None = None) -> float | None:
    """Return the seconds to wait that an error's response names, never negative.

    Read are `Retry-After-Ms`, `Retry-After` (seconds or a date, RFC 9110 §10.2.3) and, in
    OpenRouter's error bodies, `X-RateLimit-Reset` (milliseconds since 1970).
    """
    now = time.time() if now is None else now
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return max(0.0, milliseconds / 1000)
    if given := headers.get("retry-after"):
        return _seconds(str(given), now)
    reset = _number(_passed_on(error).get("X-RateLimit-Reset"))
    return None if reset is None else max(0.0, reset / 1000 - now)


def _seconds(given: str, now: float) -> float | None:
    if (seconds := _number(given)) is not None:
        return max(0.0, seconds)
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - now)
    except ValueError:
        return None


def _number(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None


def _passed_on(error: BaseException) -> Mapping[str, Any]:
    body = getattr(error, "body", None)
    metadata = body.get("metadata") if isinstance(body, dict) else None
    headers = metadata.get("headers") if isinstance(metadata, dict) else None
    return headers if isinstance(headers, dict) else {}
