"""When a page was published, as search engines say it."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_AGO = re.compile(r"(\d{1,4})\s+(minute|min|hour|day|week|month|year)s?\s+ago", re.I)
_DAYS = {"minute": 0.0, "min": 0.0, "hour": 1 / 24, "day": 1, "week": 7, "month": 30, "year": 365}
_WRITTEN = ("%b %d, %Y", "%d %b %Y", "%B %d, %Y", "%d %B %Y")
_MAX_CHARS = 60


def published_date(given: object, *, now: datetime | None = None) -> str | None:
    """Return the day as `YYYY-MM-DD`; None for what is no date, or none that can be.

    Read are ISO 8601, the dates of e-mail and HTTP, `Oct 9, 2026` and `3 days ago`.
    """
    if not isinstance(given, str) or len(given) > _MAX_CHARS:
        return None
    now = now or datetime.now(UTC)
    try:
        found = _read(given.strip(), now)
    except (ValueError, OverflowError):
        return None
    if found is None or not 1900 <= found.year <= now.year + 1:
        return None
    return found.date().isoformat()


def _read(text: str, now: datetime) -> datetime | None:
    if ago := _AGO.fullmatch(text):
        return now - timedelta(days=int(ago[1]) * _DAYS[ago[2].lower()])
    if text[:4].isdigit():
        return datetime.fromisoformat(text.replace(" UTC", ""))
    for form in _WRITTEN:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return parsedate_to_datetime(text)
