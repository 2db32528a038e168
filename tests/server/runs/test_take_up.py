"""A server that starts goes on with the runs that a killed one has left behind."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2

from tests.graph.cast import JUDGE, PANEL, WRITER, B, cast
from tests.scripted import hang
from tests.server.asking import until
from tests.server.command import served

ASK: Any = {
    "model": "fusion",
    "messages": [{"role": "user", "content": "What is it?"}],
    "fusion": {
        "panel": [{"model": name} for name in PANEL],
        "judge": {"model": JUDGE},
        "synthesizer": {"model": WRITER},
        "tools": [],
    },
}


async def test_runs_of_a_killed_server_go_on_by_themselves(tmp_path: Path) -> None:
    async with httpx2.AsyncClient(timeout=60) as client:
        async with served(cast({B: hang()}), tmp_path) as first:
            started = await client.post(f"{first.url}/v1/runs", json=ASK)
            run_id = started.json()["id"]
            await until(lambda: len(first.models.requests) == 3)
            await _answered(client, f"{first.url}/v1/runs/{run_id}/events", 2)
            first.process.kill()
            await first.process.wait()
        async with served(cast(), tmp_path) as second:
            place = f"{second.url}/v1/runs/{run_id}"
            async with asyncio.timeout(100):
                while (run := (await client.get(place)).json())["status"] != "finished":
                    await asyncio.sleep(0.1)
            asked = [seen.model for seen in second.models.requests]
            assert sorted(asked) == sorted([B, JUDGE, WRITER])
            assert run["result"]["answer"] == "Done."


async def _answered(client: httpx2.AsyncClient, events: str, members: int) -> None:
    async with client.stream("GET", events, timeout=60) as reply:
        async for line in reply.aiter_lines():
            members -= line == "event: member.finished"
            if not members:
                return
