"""Requests for a scripted panel, as the official client takes them."""

import asyncio
from collections.abc import Callable
from typing import Any

from tests.graph.cast import JUDGE, WRITER, A, B, C

PANEL: dict[str, Any] = {
    "panel": [A, B, C], "judge": JUDGE, "synthesizer": WRITER, "tools": [],
    "deadline_s": 45,  # short enough that nobody waits for an outage to pass
}  # fmt: skip
MESSAGES: Any = [{"role": "user", "content": "What is it?"}]


def asking(**fusion: Any) -> Any:
    """Arguments of `client.chat.completions.create` for a scripted panel."""
    return {
        "model": "fusion",
        "messages": MESSAGES,
        "extra_body": {"fusion": PANEL | fusion},
    }


def body(**further: Any) -> dict[str, Any]:
    """The same as a JSON body."""
    return {"model": "fusion", "messages": MESSAGES, "fusion": PANEL} | further


async def until(condition: Callable[[], object]) -> None:
    """Wait until it holds; a minute at most."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)
