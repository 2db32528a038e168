"""The floor: aiohttp, `gather` and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bench.graph.arms.base import Arm, Workload
from bench.graph.cast import JUDGE, MEMBERS, WRITER, looked_up

STREAMING = ("stream", "stream_options")
"""Members of our requests that the reference leaves out: it reads replies whole."""


@asynccontextmanager
async def opened(workload: Workload) -> AsyncIterator[Arm]:
    """Open one session for all runs."""
    bodies = workload.recorded()
    url = f"{workload.base_url}/chat/completions"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call(body: dict[str, Any]) -> dict[str, Any]:
            whole = {key: value for key, value in body.items() if key not in STREAMING}
            async with session.post(url, json=whole) as response:
                said = await response.json()
            message: dict[str, Any] = said["choices"][0]["message"]
            return message

        async def member(model: str) -> None:
            body = {**bodies[model], "messages": list(bodies[model]["messages"])}
            while calls := (message := await call(body)).get("tool_calls"):
                result = {"role": "tool", "tool_call_id": calls[0]["id"], "content": looked_up("k")}
                body["messages"] += [message, result]

        async def write() -> None:
            async with session.post(url, json=bodies[WRITER]) as response:
                async for _line in response.content:
                    pass

        async def once() -> None:
            await asyncio.gather(*(member(model) for model in MEMBERS))
            await call(bodies[JUDGE])
            await write()

        yield Arm(once)
