"""A starting server goes on with what a killed one has left behind, images and files too."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2

from tests.graph.cast import JUDGE, PANEL, WRITER, B, cast
from tests.scripted import hang
from tests.server.asking import until
from tests.server.attached import INPUT, MESSAGES, asked_models, is_said_of, was_given
from tests.server.command import served

ASK: Any = {
    "model": "fusion",
    "messages": MESSAGES,
    "fusion": {
        "panel": [{"model": name} for name in PANEL],
        "judge": {"model": JUDGE},
        "synthesizer": {"model": WRITER},
        "tools": [],
    },
}


async def test_runs_and_background_responses_of_a_killed_server_go_on_by_themselves(
    tmp_path: Path,
) -> None:
    asked = {"input": INPUT, "instructions": "Be brief.", "background": True}
    async with httpx2.AsyncClient(timeout=60) as client:
        async with served(cast({B: hang()}), tmp_path) as first:
            started = await client.post(f"{first.url}/v1/runs", json=ASK)
            run_id = started.json()["id"]
            sent = {"model": "fusion", "fusion": ASK["fusion"]} | asked
            response = (await client.post(f"{first.url}/v1/responses", json=sent)).json()
            await until(lambda: len(asked_models(first.models)) == 6)
            await _answered(client, f"{first.url}/v1/runs/{run_id}/events", 2)
            first.process.kill()
            await first.process.wait()
        async with served(cast(), tmp_path) as second:
            run = await _ended(client, f"{second.url}/v1/runs/{run_id}", "queued", "running")
            assert run["result"]["answer"] == "Done."
            assert is_said_of(run["result"])
            place = f"{second.url}/v1/responses/{response['id']}"
            ended = await _ended(client, place, "queued", "in_progress")
            assert ended["output"][-1]["content"][0]["text"] == "Done."
            assert is_said_of(ended["fusion"])
            assert all(was_given(seen) for seen in second.models.seen_by(B)), "from the store"
            names = [seen.model for seen in second.models.requests]
            assert [names.count(one) for one in (B, JUDGE, WRITER)] == [2, 2, 2]
            after = {"model": "fusion", "input": "And?", "previous_response_id": response["id"]}
            again = await client.post(f"{second.url}/v1/responses", json=sent | after)
            assert again.status_code == 200, again.text


async def _ended(client: httpx2.AsyncClient, place: str, *meanwhile: str) -> Any:
    async with asyncio.timeout(100):
        while (found := (await client.get(place)).json())["status"] in (*meanwhile, "interrupted"):
            await asyncio.sleep(0.1)
    assert found["status"] in ("finished", "completed"), found
    return found


async def _answered(client: httpx2.AsyncClient, events: str, members: int) -> None:
    async with client.stream("GET", events, timeout=60) as reply:
        async for line in reply.aiter_lines():
            members -= line == "event: member.finished"
            if not members:
                return
