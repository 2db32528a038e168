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
from tests.scripted import ScriptedServer, hang, scripted_server, text
from tests.server.asking import until
from tests.server.attached import INPUT, MESSAGES, asked_models, is_said_of, was_given
from tests.server.command import environment_of, running, served

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


class Worker:
    """A `fusion work`, and what it logs."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.lines.append(line.decode())

    def has_begun(self, run_id: str) -> bool:
        return any("job.started" in line and run_id in line for line in self.lines)

    async def killed(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading


@asynccontextmanager
async def worker(env: dict[str, str], engine: str, runs: str) -> AsyncIterator[Worker]:
    """A `fusion work` that has begun to take runs."""
    process = await asyncio.create_subprocess_exec(
        *FUSION, "work", "--engine", engine, "--runs", runs, "--dead-after", "4",
        cwd=ROOT, env=env, stderr=PIPE,
    )  # fmt: skip
    started = Worker(process)
    try:
        async with asyncio.timeout(200):
            while not started.lines:
                await asyncio.sleep(0.05)
        assert re.search(r"fusion: worker \S+ takes up to 8 runs", started.lines[0]), started.lines
        yield started
    finally:
        await started.killed()


async def test_workers_are_killed_and_frozen_in_mid_run_and_nothing_is_lost_or_paid_twice(
    postgres: str, tmp_path: Path
) -> None:
    gate = Gate(text("Beta says 17."))
    engine = postgres.replace("/postgres?", "/engine?")
    await _made(postgres, "engine")
    async with AsyncExitStack() as stack:
        models = await stack.enter_async_context(scripted_server(cast({B: gate})))
        env = environment_of(models, tmp_path)
        opening = stack.enter_async_context
        server, first, second = await asyncio.gather(  # all on an empty database
            opening(running(models, env, "--engine", engine, "--runs", engine)),
            opening(worker(env, engine, engine)),
            opening(worker(env, engine, engine)),
        )
        client = await stack.enter_async_context(httpx2.AsyncClient(timeout=200))
        place, run_id = await _asked(client, server.url)
        await gate.asked.wait()
        await until(lambda: len(models.requests) == 3)
        await _told(client, place, 2)  # what the others said is in the journal
        models.script = cast()
        dying, other = (first, second) if first.has_begun(run_id) else (second, first)
        await dying.killed()
        await _status(client, place, "finished")
        assert _counts(models) == [1, 2, 1, 1, 1], "only what was under way was paid again"

        frozen, gate = other, Gate(text("Beta says 18."))
        models.script = cast({B: gate})
        place, run_id = await _asked(client, server.url)
        await gate.asked.wait()
        await _told(client, place, 2)
        models.script = cast()
        frozen.process.send_signal(signal.SIGSTOP)
        other = await stack.enter_async_context(worker(env, engine, engine))
        await _status(client, place, "finished")
        assert _counts(models) == [2, 4, 2, 2, 2]
        before = (await client.get(place)).json()
        await other.killed()
        gate.opened.set()
        frozen.process.send_signal(signal.SIGCONT)
        _, run_id = await _asked(client, server.url)
        await until(lambda: frozen.has_begun(run_id))  # it is awake, and works
        await until(lambda: _counts(models) == [3, 5, 3, 3, 3])
        assert (await client.get(place)).json() == before, "it has written nothing"


async def test_a_run_in_a_queue_of_sqlite_is_steered_cancelled_handed_back_and_outlives_a_kill(
    tmp_path: Path,
) -> None:
    engine, runs = str(tmp_path / "queue.db"), str(tmp_path / "runs.db")
    async with AsyncExitStack() as stack:
        command = await stack.enter_async_context(
            served(cast({B: hang()}), tmp_path, "--engine", engine, "--runs", runs)
        )
        client = await stack.enter_async_context(httpx2.AsyncClient(timeout=200))
        first = await stack.enter_async_context(worker(command.env, engine, runs))
        attached = ASK | SEATS | {"messages": MESSAGES}
        started = await client.post(f"{command.url}/v1/runs", json=attached)
        place = f"{command.url}/v1/runs/{started.json()['id']}"
        await until(lambda: len(asked_models(command.models)) == 3)
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
        first.process.send_signal(signal.SIGTERM)
        assert await first.process.wait() == 0
        command.models.script = cast({B: hang()})
        second = await stack.enter_async_context(worker(command.env, engine, runs))
        await until(lambda: len(command.models.seen_by(B)) == 3)
        command.models.script = cast()
        await second.killed()
        await stack.enter_async_context(worker(command.env, engine, runs))
        await _status(client, place, "finished")
        assert _counts(command.models) == [1, 4, 1, 1, 1]
        assert all(was_given(seen) for name in PANEL for seen in command.models.seen_by(name))
        assert is_said_of((await client.get(place)).json()["result"])

        question = SEATS | {"model": "fusion", "input": INPUT, "background": True}
        begun = (await client.post(f"{command.url}/v1/responses", json=question)).json()
        place = f"{command.url}/v1/responses/{begun['id']}"
        await _status(client, place, "completed")
        assert is_said_of((await client.get(place)).json()["fusion"])
        assert was_given(command.models.seen_by(B)[-1])


async def _asked(client: httpx2.AsyncClient, url: str) -> tuple[str, str]:
    """Start a run: its address and its id."""
    run_id = (await client.post(f"{url}/v1/runs", json=ASK | SEATS)).json()["id"]
    return f"{url}/v1/runs/{run_id}", run_id


async def _told(client: httpx2.AsyncClient, place: str, members: int) -> None:
    """Return when so many members have answered."""
    async with client.stream("GET", f"{place}/events") as reply:
        async for line in reply.aiter_lines():
            members -= line == "event: member.finished"
            if not members:
                return


def _counts(models: ScriptedServer) -> list[int]:
    return [len(models.seen_by(name)) for name in EVERYBODY]


async def _status(client: httpx2.AsyncClient, place: str, wanted: str) -> None:
    async with asyncio.timeout(100):
        while (await client.get(place)).json()["status"] != wanted:
            await asyncio.sleep(0.1)


async def _made(server: str, name: str) -> None:
    import psycopg

    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
        await connection.execute(f"create database {name}")
