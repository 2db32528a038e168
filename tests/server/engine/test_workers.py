"""`fusion serve --engine` and two `fusion work`: runs survive a worker that is killed."""

import asyncio
import re
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cli.processes import FUSION, ROOT
from tests.gate import Gate
from tests.graph.cast import JUDGE, PANEL, WRITER, B, cast
from tests.postgres_server import postgres
from tests.scripted import hang, text
from tests.server.asking import until
from tests.server.command import Command, served

__all__ = ["postgres"]

pytestmark = pytest.mark.timeout(400)
EVERYBODY = (*PANEL, JUDGE, WRITER)
ASK: Any = {"model": "fusion", "messages": [{"role": "user", "content": "What is it?"}]}
STOP: Any = {"action": "stop_member"}
SEATS: Any = {
    "fusion": {
        "panel": [{"model": name} for name in PANEL],
        "judge": {"model": JUDGE},
        "synthesizer": {"model": WRITER},
        "tools": [],
    }
}


@asynccontextmanager
async def worker(command: Command, engine: str, runs: str) -> AsyncIterator[Process]:
    """A `fusion work` that has begun to take runs."""
    process = await asyncio.create_subprocess_exec(
        *FUSION, "work", "--engine", engine, "--runs", runs, "--dead-after", "4",
        cwd=ROOT, env=command.env, stderr=PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        line = (await process.stderr.readline()).decode()
        assert re.search(r"fusion: worker \S+ takes up to 8 runs", line), line
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_killed_worker_s_run_is_finished_by_another_and_nothing_is_lost(
    postgres: str, tmp_path: Path
) -> None:
    gate = Gate(text("Beta says 17."))
    engine = postgres.replace("/postgres?", "/engine?")
    await _made(postgres, "engine")
    async with AsyncExitStack() as stack:
        command = await stack.enter_async_context(
            served(cast({B: gate}), tmp_path, "--engine", engine, "--runs", engine)
        )
        first = await stack.enter_async_context(worker(command, engine, engine))
        client = await stack.enter_async_context(httpx2.AsyncClient(timeout=200))
        asked = asyncio.create_task(
            client.post(f"{command.url}/v1/chat/completions", json=ASK | SEATS)
        )
        await gate.asked.wait()
        await until(lambda: len(command.models.requests) == 3)
        await asyncio.sleep(0.5)  # what the others said is in the journal
        await stack.enter_async_context(worker(command, engine, engine))
        command.models.script = cast()
        first.send_signal(signal.SIGKILL)
        reply = (await asked).json()
        assert reply["choices"][0]["message"]["content"].startswith("Done."), reply
        counts = [len(command.models.seen_by(name)) for name in EVERYBODY]
        assert counts == [1, 2, 1, 1, 1], "only what was under way was paid again"


async def test_a_run_in_a_queue_of_sqlite_is_streamed_cancelled_and_handed_back(
    tmp_path: Path,
) -> None:
    engine, runs = str(tmp_path / "queue.db"), str(tmp_path / "runs.db")
    async with AsyncExitStack() as stack:
        command = await stack.enter_async_context(
            served(cast({B: hang()}), tmp_path, "--engine", engine, "--runs", runs)
        )
        client = await stack.enter_async_context(httpx2.AsyncClient(timeout=200))
        first = await stack.enter_async_context(worker(command, engine, runs))
        started = await client.post(f"{command.url}/v1/runs", json=ASK | SEATS)
        place = f"{command.url}/v1/runs/{started.json()['id']}"
        await until(lambda: len(command.models.requests) == 3)
        refused = await client.post(f"{place}/steer", json=STOP | {"seat": "Z"})
        assert refused.status_code == 409
        assert "there is no seat 'Z'; the seats are A, B, C" in refused.json()["error"]["message"]
        unlimited = {"action": "raise_budget", "budget_usd": 1.0}
        assert (await client.post(f"{place}/steer", json=unlimited)).status_code == 409
        assert (await client.post(f"{place}/steer", json=STOP | {"seat": "A"})).status_code == 202
        assert (await client.post(f"{place}/cancel")).status_code == 202
        await until(lambda: command.models.in_flight == 0)
        await _status(client, place, "cancelled")
        assert (await client.post(f"{place}/resume")).status_code == 202
        await until(lambda: command.models.in_flight == 1)
        command.models.script = cast()
        first.send_signal(signal.SIGTERM)
        assert await first.wait() == 0
        await stack.enter_async_context(worker(command, engine, runs))
        await _status(client, place, "finished")
        counts = [len(command.models.seen_by(name)) for name in EVERYBODY]
        assert counts == [1, 3, 1, 1, 1]


async def _status(client: httpx2.AsyncClient, place: str, wanted: str) -> None:
    async with asyncio.timeout(100):
        while (await client.get(place)).json()["status"] != wanted:
            await asyncio.sleep(0.1)


async def _made(server: str, name: str) -> None:
    import psycopg

    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
        await connection.execute(f"create database {name}")
