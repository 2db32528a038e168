"""What it means when a search engine answers with another status than 200.

The body is looked into for a few words and never shown: it may repeat the key.
"""

from collections.abc import Mapping

from langgraph_fusion.models.retry_after import header_s
from langgraph_fusion.tools.errors import Reason
from langgraph_fusion.tools.search.base import SearchFailure
from langgraph_fusion.tools.search.engines import Engine

_NO_CREDIT = (
    "credit", "payment", "billing", "plan limit", "plan's set usage limit", "usage limit",
    "dailylimitexceeded", "queries per day", "balance", "quota_exceeded", "quota exceeded",
)  # fmt: skip
_BAD_KEY = ("api key not valid", "api_key_invalid", "invalid api key", "subscription_token_invalid")
_TOO_OFTEN = ("ratelimitexceeded", "rate limit", "rate_limit", "too many requests")
_OF_THE_QUERY = (400, 413, 414, 422)
_MAX_WAIT_S = 24 * 3600.0


def refusal(engine: Engine, status: int, headers: Mapping[str, str], body: bytes) -> SearchFailure:
    """Say what is wrong, in words without anything that the engine sent."""
    reason = _reason(status, body.decode("utf-8", "replace").lower())
    if reason == "unauthorized" and not engine.key:
        reason = "unavailable"
    wait_s = _wait_s(headers) if reason in ("rate_limited", "unavailable") else None
    return SearchFailure(
        reason,
        _words(engine, status, reason),
        status=status,
        wait_s=wait_s,
        of_query=reason == "unavailable" and status in _OF_THE_QUERY,
    )


def _reason(status: int, said: str) -> Reason:
    if status == 402 or status in (432, 433):  # 432 and 433: Tavily's plan and spending limits
        return "insufficient_credits"
    if status in (400, 401, 403, 422) and any(word in said for word in _BAD_KEY):
        return "unauthorized"
    if status in (400, 403, 429) and any(word in said for word in _NO_CREDIT):
        return "insufficient_credits"
    if status == 429 or (status == 403 and any(word in said for word in _TOO_OFTEN)):
        return "rate_limited"
    return "unauthorized" if status in (401, 403) else "unavailable"


def _words(engine: Engine, status: int, reason: Reason) -> str:
    match reason:
        case "rate_limited":
            said = f"limits requests now (status {status})"
        case "unauthorized":
            said = f"refused {engine.key} (status {status})"
        case "insufficient_credits":
            said = f"has no credit left for {engine.key} (status {status})"
        case _ if engine.name == "searxng" and status == 403:
            said = "refused (status 403): is `json` among its `search.formats`?"
        case _:
            said = f"refused (status {status})"
    return f"{engine.title} {said}."


def _wait_s(headers: Mapping[str, str]) -> float | None:
    """`Retry-After`, or Brave's list of windows: those that are used up say when they end."""
    if given := headers.get("Retry-After"):
        return header_s(given)
    left = _numbers(headers.get("X-RateLimit-Remaining"))
    resets = _numbers(headers.get("X-RateLimit-Reset"))
    used_up = [reset for reset, rest in zip(resets, left, strict=False) if rest <= 0]
    waits = [wait for wait in used_up if 0 <= wait <= _MAX_WAIT_S * 31]
    return min(max(waits), _MAX_WAIT_S) if waits else None


def _numbers(header: str | None) -> list[float]:
    try:
        return [float(part) for part in (header or "").split(",") if part.strip()]
    except ValueError:
        return []
