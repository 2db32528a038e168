"""The time that a request waits is part of the time it has."""

import asyncio
import json
from pathlib import Path

import httpx2
import pytest

from tests.graph.cast import cast
from tests.scripted import hang
from tests.server.asking import PANEL, body, until
from tests.server.conftest import Serving


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_deadline_that_passes_in_the_queue_ends_the_request(
    serving: Serving, path: str, stream: bool
) -> None:
    served = await serving(lambda _: hang(), max_runs=1)
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        first = asyncio.create_task(http.post("/v1/chat/completions", json=body()))
        await until(lambda: served.models.in_flight == 3)
        soon = body(fusion=PANEL | {"deadline_s": 1}, input="What is it?", stream=stream)
        late = await http.post(path, json=soon)
        assert late.status_code == (200 if stream else 504)
        assert "passed while it waited for its turn" in late.text
        assert served.state.manager.admission.admitted == 1
        assert len(served.models.requests) == 3, "the late one has asked nobody"
        first.cancel()


async def test_what_is_left_of_the_time_is_what_the_run_has(
    serving: Serving, tmp_path: Path
) -> None:
    served = await serving(lambda _: hang(), max_runs=1, runs=str(tmp_path / "runs.db"))
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        first = asyncio.create_task(http.post("/v1/chat/completions", json=body()))
        await until(lambda: served.models.in_flight == 3)
        asked = body(fusion=PANEL | {"deadline_s": 300})
        second = asyncio.create_task(http.post("/v1/chat/completions", json=asked))
        await until(lambda: served.state.manager.admission.waiting == 1)
        await asyncio.sleep(2)
        first.cancel()
        await until(lambda: len(served.models.requests) == 6)
        runs = await served.state.store.all()
        second.cancel()
    assert min(run.settings["deadline_s"] for run in runs) <= 298


@pytest.mark.parametrize("size", [10, 100_000])
async def test_large_fields_are_not_repeated(serving: Serving, size: int) -> None:
    served = await serving(cast())
    said = "x" * size
    tool = {"type": "function", "name": "f", "description": said, "parameters": {}}
    asked = body(input="What is it?", instructions=said, stream=True, tools=[tool])
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        text = (await http.post("/v1/responses", json=asked)).text
    created = json.loads(text.partition("data: ")[2].partition("\n")[0])["response"]
    small = size <= 16_000
    assert created["instructions"] == (said if small else None)
    assert len(created["tools"]) == small
    assert len(text) < 100_000
