"""What the HTTP backends share: one bounded JSON exchange, its failures told apart."""

import json
from typing import Any

import aiohttp

from langgraph_fusion.tools.errors import ToolFailure

_MAX_BYTES = 5 << 20


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    params: dict[str, str] | None = None,
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return the JSON object that the search service answers.

    Raises:
        ToolFailure: `rate_limited`, `timeout` or `unavailable`.
    """
    try:
        async with session.request(
            method, url, params=params, json=body, headers=headers, allow_redirects=False
        ) as response:
            if response.status != 200:
                raise _refused(response.status)
            data = await response.content.read(_MAX_BYTES)
            while len(data) < _MAX_BYTES and (more := await response.content.read(_MAX_BYTES)):
                data += more
            return _object(data)
    except TimeoutError:
        raise ToolFailure("timeout", "The search took too long. Try again.") from None
    except aiohttp.ClientError:
        raise ToolFailure("unavailable", "The search service cannot be reached.") from None


def texts(row: object, *names: str) -> list[str]:
    """Return these fields of a result as text: what is none is empty, half a character is `?`."""
    fields = row if isinstance(row, dict) else {}
    values = [fields.get(name) for name in names]
    return [
        value.encode(errors="replace").decode() if isinstance(value, str) else ""
        for value in values
    ]


def _object(data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        raise ToolFailure("unavailable", "The search service gave an answer without results.")
    return answer


def _refused(status: int) -> ToolFailure:
    if status in (429, 432, 433):  # 432 and 433: Tavily's plan and spending limits
        return ToolFailure(
            "rate_limited", f"The search service limits requests now (status {status})."
        )
    return ToolFailure("unavailable", f"The search service refused (status {status}).")
