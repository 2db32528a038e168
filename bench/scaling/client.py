"""A client of the servers: it asks, and says what it got."""

import asyncio
import json
import time
from typing import Any

import aiohttp

from bench.scaling.accounts import Answer
from bench.scaling.stage import PLAIN, Cluster

Json = dict[str, Any]


PATIENCE_S = 120.0
"""A run that has not answered by then counts as lost."""


async def ask(
    cluster: Cluster,
    run: int,
    *,
    model: str = PLAIN,
    stream: bool = False,
    server: int = 0,
    token: str = "none",
    patience_s: float = PATIENCE_S,
) -> Answer:
    """Ask for one deliberation; its question names the run. Nothing is asked twice."""
    began = time.monotonic()
    question = f"What is it, and how do we know? (run-{run}-)"
    body = {
        "model": model, "messages": [{"role": "user", "content": question}], "stream": stream,
        "fusion": {"max_rounds": 0},
    }  # fmt: skip
    url = f"{cluster.servers[server].name}/v1/chat/completions"
    headers = {"Authorization": f"Bearer {token}"}
    first, failure, bill = 0.0, "", Json()
    try:
        async with (
            asyncio.timeout(patience_s),
            cluster.stage.http.post(url, json=body, headers=headers) as response,
        ):
            if response.status != 200:
                failure = f"{response.status} {(await response.text())[:300]}"
            elif stream:
                first, failure, bill = await _streamed(response)
            else:
                bill = (await response.json())["fusion"]["bill"]
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
        failure = f"{type(error).__name__}: {error}"
    calls = bill.get("calls", [])
    costs = [call["cost_usd"] for call in calls]
    return Answer(
        run=run,
        failure=failure,
        known_usd=sum(cost for cost in costs if cost is not None),
        unknown_calls=costs.count(None),
        began=began,
        first=first,
        ended=time.monotonic(),
    )


async def _streamed(response: aiohttp.ClientResponse) -> tuple[float, str, Json]:
    """When the first event of the run came, why there is no answer, and the bill."""
    first, bill = 0.0, None
    async for line in response.content:
        if not line.startswith(b"data: {"):
            continue
        chunk = json.loads(line[6:])
        if "error" in chunk:
            return first, str(chunk["error"])[:300], {}
        told = chunk.get("fusion")
        if told:
            first = first or time.monotonic()
            bill = told.get("result", {}).get("bill", bill)
    return first, "" if bill else "the stream ended early", bill or {}
