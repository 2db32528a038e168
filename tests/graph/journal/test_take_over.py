"""A run is begun or taken over by its id, and only who has it pays for it and writes to it."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from langgraph_fusion.graph.api import aask, deliberate
from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.errors import ConfigError, FusionError, RunTakenOver
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.graph.journal.stores.owner import Owner
from tests.gate import Gate
from tests.graph.cast import JUDGE, PANEL, WRITER, B, C, cast, settings
from tests.graph.conftest import Serve
from tests.graph.journal.test_store import record
from tests.graph.stopping import stopped
from tests.postgres_server import postgres
from tests.scripted import ScriptedServer, hang, status, text

__all__ = ["postgres"]

EVERYBODY = (*PANEL, JUDGE, WRITER)
DEAD_AFTER_S = 1.0
WORKER = """
import asyncio, sys
from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.errors import RunFailed
from langgraph_fusion.graph.journal.store import open_runs
from tests.graph.cast import settings

async def main(place, run_id):
    async with open_runs(place, dead_after_s=1.0) as runs:
        try:
            await aask("What is it?", settings(), runs=runs, run_id=run_id, take_over=True)
        except RunFailed as error:
            print(error.reason, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "postgres":
        return request.getfixturevalue("postgres")
    return InMemoryStore() if request.param == "memory" else tmp_path / "runs.db"


def asked(server: ScriptedServer) -> list[int]:
    return [len(server.seen_by(model)) for model in EVERYBODY]


async def test_a_new_id_begins_and_a_finished_one_gives_its_result_again(
    place: Any, serve: Serve
) -> None:
    server = await serve(cast())
    given: dict[str, Any] = {"run_id": "the-run_1", "take_over": True}
    async with open_runs(place) as runs:
        assert runs is not None
        first = await aask("What is it?", settings(), runs=runs, **given)
        events = [one async for one in deliberate("What is it?", settings(), runs=runs, **given)]
        assert [event["type"] for event in events] == ["run.started", "run.finished"]
        assert events[-1]["result"] == json.loads(first.model_dump_json())
        graph = create_fusion(settings(), runs=runs, **given)
        state = await graph.ainvoke({"messages": [("user", "What is it?")]})
        assert state["messages"][-1].text == first.answer
        assert asked(server) == [1, 1, 1, 1, 1]
        with pytest.raises(ConfigError, match="began with another conversation"):
            await aask("What else?", settings(), runs=runs, **given)
        await runs.forget_texts("the-run_1")
        with pytest.raises(ConfigError, match="its result was not kept"):
            await aask("What is it?", settings(), runs=runs, **given)
        await runs.delete("the-run_1")


async def test_of_many_that_begin_under_one_id_one_does(place: Any, serve: Serve) -> None:
    server = await serve(cast())
    async with open_runs(place) as one, open_runs(place) as other:
        given: dict[str, Any] = {"run_id": "the-same", "take_over": True}
        tries = [aask("What is it?", settings(), runs=runs, **given) for runs in (one, other) * 3]
        came = await asyncio.gather(*tries, return_exceptions=True)
        assert one is not None
        await one.delete("the-same")
    refused = [str(error) for error in came if isinstance(error, FusionError)]
    assert len(refused) == 5
    assert all("still running" in why or "taken over" in why for why in refused), refused
    assert asked(server) == [1, 1, 1, 1, 1]


async def test_what_a_run_needs_for_it_is_said(serve: Serve, tmp_path: Path) -> None:
    await serve(cast())
    with pytest.raises(ConfigError, match="run_id: name the store"):
        await aask("What is it?", settings(), run_id="one", take_over=True)
    with pytest.raises(ConfigError, match="take_over: name the run"):
        await aask("What is it?", settings(), runs=tmp_path / "runs.db", take_over=True)
    with pytest.raises(ConfigError, match="run_id: the id of a run has"):
        await aask("What?", settings(), runs=tmp_path / "runs.db", run_id="a/b", take_over=True)


@pytest.mark.parametrize(("kind", "late"), [("sqlite", "a failure"), ("postgres", "a reply")])
async def test_a_woken_process_whose_run_was_taken_over_pays_and_writes_nothing(
    kind: str, late: str, tmp_path: Path, request: pytest.FixtureRequest, serve: Serve
) -> None:
    where = str(tmp_path / "runs.db") if kind == "sqlite" else request.getfixturevalue("postgres")
    gate = Gate(text("Beta says 17.") if late == "a reply" else status(503))
    server = await serve(cast({B: gate}))
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, where, "taken", stdout=PIPE, env={**os.environ}
    )
    try:
        async with open_runs(where, dead_after_s=DEAD_AFTER_S) as runs:
            assert runs is not None
            await _take_over_from(worker, runs, server, gate, partial(_writable, kind, where))
    finally:
        if worker.returncode is None:
            worker.kill()
        await worker.communicate()


async def _take_over_from(
    worker: Process,
    runs: RunRepository,
    server: ScriptedServer,
    gate: Gate,
    writable: Callable[[], bool],
) -> None:
    await _recorded(runs, "A.0/reply/1", "C.0/reply/1")
    await gate.asked.wait()
    await _freeze(worker, writable)
    while (await runs.get("taken")).now == "running":
        await asyncio.sleep(0.02)
    server.script = cast()
    result = await aask("What is it?", settings(), runs=runs, run_id="taken", take_over=True)
    assert (result.run_id, result.failed_members) == ("taken", ())
    assert asked(server) == [1, 2, 1, 1, 1], "of the panel only who had not answered"
    before = await _everything(runs)
    gate.opened.set()
    worker.send_signal(signal.SIGCONT)
    said = (await worker.communicate())[0].decode()
    assert said == "taken_over\n"
    assert asked(server) == [1, 2, 1, 1, 1], "nothing more was paid"
    assert await _everything(runs) == before
    await runs.delete("taken")


async def _freeze(worker: Process, writable: Callable[[], bool]) -> None:
    """Stop a process, but not in the middle of a write: SQLite would wait for it until it wakes."""
    while True:
        worker.send_signal(signal.SIGSTOP)
        while Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
            await asyncio.sleep(0.01)
        if writable():
            return
        worker.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.05)


def _writable(kind: str, where: str) -> bool:
    if kind != "sqlite":
        return True
    with closing(sqlite3.connect(where, timeout=2, isolation_level=None)) as file:
        try:
            file.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        file.execute("ROLLBACK")
        return True


async def _recorded(runs: RunRepository, *keys: str) -> None:
    async with asyncio.timeout(200):
        while True:
            found = await runs.find("taken")
            if found and {*keys} <= {*(await runs.journal(found)).keys}:
                return
            await asyncio.sleep(0.02)


async def _everything(runs: RunRepository) -> Any:
    store: BaseStore = runs._store
    items = await store.asearch(("langgraph_fusion",), limit=1000, refresh_ttl=False)
    return sorted((item.namespace, item.key, json.dumps(item.value)) for item in items)


async def test_work_stops_at_once_when_the_run_is_taken_over(place: Any, serve: Serve) -> None:
    server = await serve(cast({C: hang()}))
    async with open_runs(place) as runs:
        assert runs is not None
        with pytest.raises(RunTakenOver, match="run lost was taken over"):
            await _lose_it(runs)
        while server.in_flight:
            await asyncio.sleep(0.01)
        before = await runs.get("lost")
        assert (before.status, asked(server)[3:]) == ("running", [0, 0])


async def _lose_it(runs: RunRepository) -> None:
    """Deliberate, and have the run taken away once a member has answered."""
    events = deliberate("What is it?", settings(), runs=runs, run_id="lost", take_over=True)
    async for event in events:
        if event["type"] == "member.finished":
            (claim,) = runs.heartbeat._claims
            claim.lose()


async def test_a_dead_owner_is_told_by_the_clock_of_the_database(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Owner(machine="another", pid=1, started="1")
    async with open_runs(postgres) as runs:
        assert runs is not None
        await runs.save(record(id="lives", owner=elsewhere))
        await runs.save(record(id="died", owner=elsewhere))
        async with await psycopg.AsyncConnection.connect(postgres) as database:
            await database.execute(
                "update store set updated_at = now() - interval '3 minutes' where key = 'died'"
            )
        for wrong in (time.time() - 86_400.0, time.time() + 86_400.0):
            monkeypatch.setattr(time, "time", partial(float, wrong))
            found = [(await runs.get(id)).now for id in ("lives", "died")]
            assert found == ["running", "interrupted"]
            monkeypatch.undo()
        for id in ("lives", "died"):
            await runs.save(record(id=id, status="failed"))
            await runs.delete(id)


async def test_a_run_with_a_living_owner_is_not_taken_over(serve: Serve, tmp_path: Path) -> None:
    gate = Gate(text("Beta says 17."))
    await serve(cast({B: gate}))
    given: dict[str, Any] = {"run_id": "mine", "take_over": True}
    async with open_runs(tmp_path / "runs.db", dead_after_s=0.4) as runs:
        working = asyncio.create_task(aask("What is it?", settings(), runs=runs, **given))
        await gate.asked.wait()
        async with open_runs(tmp_path / "runs.db") as other:
            for _ in range(3):
                with pytest.raises(ConfigError, match="still running"):
                    await aask("What is it?", settings(), runs=other, **given)
                await asyncio.sleep(0.2)
        gate.opened.set()
        assert (await working).answer == "Done."


async def test_a_server_with_leases_of_its_own_takes_a_run_from_a_process_that_lives(
    place: Any, serve: Serve
) -> None:
    gate = Gate(text("Beta says 17."))
    server = await serve(cast({B: gate}))
    async with open_runs(place, dead_after_s=0.4) as runs:
        assert runs is not None
        working = asyncio.create_task(
            aask("What is it?", settings(), runs=runs, run_id="leased", take_over=True)
        )
        while (await runs.find("leased")) is None or not gate.asked.is_set():
            await asyncio.sleep(0.01)
        async with open_runs(place) as other:
            taken = asyncio.create_task(
                aask("What is it?", settings(), runs=other, run_id="leased", take_over="always")
            )
            with pytest.raises(RunTakenOver):
                await working
            gate.opened.set()
            result = await taken
        assert (result.answer, asked(server)[1]) == ("Done.", 2)
        assert (await runs.get("leased")).resumes == 1
        await runs.delete("leased")


async def test_a_stopped_run_is_gone_on_with(place: Any, serve: Serve) -> None:
    server = await serve(cast({JUDGE: hang()}))
    async with open_runs(place) as runs:
        assert runs is not None
        given: dict[str, Any] = {"run_id": "stopped", "take_over": True}
        await stopped(runs, "judge.started", **given)
        server.script = cast()
        result = await aask("What is it?", settings(), runs=runs, **given)
        assert (result.run_id, (await runs.get("stopped")).resumes) == ("stopped", 1)
        assert asked(server) == [1, 1, 1, 2, 1]
        await runs.delete("stopped")
