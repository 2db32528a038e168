"""A server that is told to stop by a signal: runs finish within the grace, others' clients hear."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.graph.cast import A, B, C, cast
from tests.scripted import hang, text
from tests.server.asking import PANEL, asking, body, until
from tests.server.command import Command, served

STOPPING = pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("chat/completions", body()),
    ("chat/completions", body(stream=True)),
    ("responses", {"model": "fusion", "input": "What is it?", "fusion": PANEL}),
    ("responses", {"model": "fusion", "input": "What is it?", "fusion": PANEL, "stream": True}),
]


async def _post(server: Command, path: str, sent: dict[str, Any]) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=60) as client:
        return await client.post(f"{server.url}/v1/{path}", json=sent)


@STOPPING
async def test_a_run_under_way_finishes_within_the_grace(
    tmp_path: Path, how: signal.Signals
) -> None:
    script = cast({A: text("Alpha says 42.").after(1.0)})
    async with served(script, tmp_path) as server:
        asked = asyncio.create_task(server.client.chat.completions.create(**asking()))
        await until(lambda: server.models.in_flight > 0)
        server.process.send_signal(how)
        assert (await asked).choices[0].message.content == "Done."
        await server.process.communicate()
        with pytest.raises(openai.APIConnectionError):
            await server.client.chat.completions.create(**asking())


async def test_a_run_that_waits_for_its_turn_is_refused_and_the_one_before_it_finishes(
    tmp_path: Path,
) -> None:
    script = cast({A: text("Late.").after(2.0)})
    async with served(script, tmp_path, "--max-runs", "1") as server:
        running = asyncio.create_task(_post(server, "chat/completions", body()))
        await until(lambda: server.models.in_flight > 0)
        waiting = asyncio.create_task(_post(server, "chat/completions", body(stream=True)))
        await _waits(server)
        server.process.send_signal(signal.SIGTERM)
        assert "server_stopping" in (await waiting).text
        assert (await running).json()["choices"][0]["message"]["content"] == "Done."
        await server.process.communicate()


async def _waits(server: Command) -> None:
    async with httpx2.AsyncClient() as http, asyncio.timeout(60):
        while "fusion_queue 1.0" not in (await http.get(f"{server.url}/metrics")).text:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("path", "sent"), REQUESTS)
async def test_a_run_that_outlasts_the_grace_is_named_to_its_client_and_kept(
    tmp_path: Path, path: str, sent: dict[str, Any]
) -> None:
    script = cast({one: hang() for one in (A, B, C)})
    async with served(script, tmp_path, "--grace", "0.3") as server:
        asked = asyncio.create_task(_post(server, path, sent))
        await until(lambda: server.models.in_flight == 3)
        server.process.send_signal(signal.SIGTERM)
        response = await asked
        await server.process.communicate()
    assert response.status_code == (200 if sent.get("stream") else 503)
    assert "server_stopping" in response.text
    assert "fusion resume" in response.text
    assert server.models.in_flight == 0
    assert (tmp_path / "langgraph-fusion" / "runs.db").is_file()


async def test_a_second_signal_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    script = cast({one: hang() for one in (A, B, C)})
    async with served(script, tmp_path, "--grace", "600") as server:
        asked = asyncio.create_task(_post(server, "chat/completions", body(stream=True)))
        await until(lambda: server.models.in_flight == 3)
        server.process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.3)
        server.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            await server.process.communicate()
        await asyncio.gather(asked, return_exceptions=True)
    assert server.models.in_flight == 0


async def test_the_log_says_that_the_server_stops_and_how_many_runs_it_waits_for(
    tmp_path: Path,
) -> None:
    async with served(cast({A: hang()}), tmp_path, "--grace", "0.2") as server:
        asked = asyncio.create_task(_post(server, "chat/completions", body()))
        await until(lambda: server.models.in_flight > 0)
        log = await server.log_after(signal.SIGTERM)
        await asked
    (stopping,) = [line for line in log if line["event"] == "server.stopping"]
    assert (stopping["runs"], stopping["grace_s"]) == (1, 0.2)
    assert json.dumps(log).count("unexpected_error") == 0
