"""The same promises in every store: SQLite, PostgreSQL, and any other of LangGraph."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.detached_runs import Head, StoredEvent
from langgraph_fusion.graph.journal.repository import RunRepository, new_id
from langgraph_fusion.graph.journal.run_record import RunRecord
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.graph.journal.stores.owner import Owner
from langgraph_fusion.server.runs.event_log import stored_frames
from tests.graph.cast import JUDGE, A, cast, settings
from tests.graph.conftest import Serve
from tests.graph.stopping import stopped
from tests.postgres_server import postgres
from tests.scripted import hang, text

__all__ = ["postgres"]

NOW = "2026-11-28T08:00:00+00:00"
ODD = 'Grüße, \x00 a NUL, "quotes" and half a \ud83d pair'


class Note(BaseModel):
    text: str


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "postgres":
        return request.getfixturevalue("postgres")
    return InMemoryStore() if request.param == "memory" else tmp_path / "runs.db"


@pytest.fixture
async def runs(place: Any) -> AsyncIterator[RunRepository]:
    async with open_runs(place) as opened:
        assert opened is not None
        yield opened


def record(**given: Any) -> RunRecord:
    base = {"id": new_id(), "preset": "budget", "settings": {}, "started_at": NOW}
    return RunRecord.model_validate({**base, "owner": Owner.me(), **given})


async def test_a_journal_comes_back_whole_and_in_order(runs: RunRepository) -> None:
    one = record(status="interrupted")
    journal = runs.new_journal()
    one = one.changed(id=journal.run_id)
    await runs.save(one, claim=journal.claim)
    journal.write_later("A.0/update", lambda: Note(text="first"))
    await journal.write("B.0/reply/1", lambda: Note(text="second"))
    journal.write_async("A.0/reply/10", lambda: Note(text="third"))
    await journal.write("A.0/reply/9", lambda: Note(text="Grüße \x00 😀"))
    again = await runs.journal(await runs.get(one.id))
    assert again.keys == ["A.0/update", "B.0/reply/1", "A.0/reply/10", "A.0/reply/9"]
    found = again.read("A.0/reply/9", Note)
    assert found is not None
    assert found.text == "Grüße \x00 😀"
    await runs.delete(one.id)
    assert (await runs.journal(one)).keys == []


async def test_a_run_is_resumed_from_it(runs: RunRepository, serve: Serve) -> None:
    server = await serve(cast({A: text(ODD), JUDGE: hang()}))
    run_id = await stopped(runs, "judge.started")
    server.script = cast()
    result = await aask("What is it?", settings(), runs=runs, run_id=run_id[:7])
    assert result.run_id == run_id
    assert len(server.seen_by(A)) == 1
    assert result.answers[0].text.startswith("Grüße")
    assert (await runs.get(run_id)).status == "finished"
    await runs.delete(run_id)


async def test_a_run_is_nobody_else_s_before_its_first_write_and_after_one_that_failed(
    runs: RunRepository,
) -> None:
    first, second = runs.new_journal("one"), runs.new_journal("one")
    assert first.claim is not None
    assert second.claim is not None
    await runs.heartbeat.ask(first.claim, second.claim)  # a heartbeat may come at any moment
    first.write_later("A.0/update", lambda: Note(text="its record was lost on its way"))
    await runs.writer.write()
    assert not first.claim.lost
    await runs.save(record(id="one"), claim=second.claim)
    first.write_later("A.0/update", lambda: Note(text="too late"))
    await runs.writer.write()
    await runs.heartbeat.ask(first.claim, second.claim)
    assert (first.claim.lost, second.claim.lost) == (True, False)


async def test_what_many_runs_write_at_once_is_all_there(runs: RunRepository) -> None:
    journals = [runs.new_journal() for _ in range(20)]
    for journal in journals:
        runs.save(record(id=journal.run_id, status="interrupted"), claim=journal.claim)
    await asyncio.gather(
        *(
            journal.write(f"A.0/reply/{number}", lambda: Note(text="said"))
            for journal in journals
            for number in range(5)
        )
    )
    for journal in journals:
        one = await runs.get(journal.run_id)
        assert len((await runs.journal(one)).keys) == 5
        await runs.delete(one.id)


async def test_a_run_whose_process_is_gone_is_interrupted(runs: RunRepository) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    owner = Owner.me().model_copy(update={"pid": gone.pid})
    gone.wait()
    assert record(owner=owner).now == "interrupted"
    assert record().now == "running"
    reused = Owner.me().model_copy(update={"started": "1"})
    assert record(owner=reused).now == "interrupted", "the number of another, later process"
    elsewhere = Owner(machine="another", pid=os.getpid(), started="1")
    assert record(owner=elsewhere).now == "running"
    assert record(owner=elsewhere, silent_s=600).now == "interrupted"
    assert record(silent_s=600).now == "running", "it is this process"


async def test_an_id_may_be_cut_short_but_not_stand_for_two(runs: RunRepository) -> None:
    for name in ("abc111111111", "abc222222222"):
        await runs.save(record(id=name, status="failed"))
    assert (await runs.get("abc1")).id == "abc111111111"
    with pytest.raises(ConfigError, match="2 runs begin with 'abc'"):
        await runs.get("abc")
    with pytest.raises(ConfigError, match="there is no run ''"):
        await runs.get("")
    for name in ("abc111111111", "abc222222222"):
        await runs.delete(name)


async def test_runs_are_removed_when_their_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_RUNS_DAYS", "0.00001")
    path = tmp_path / "runs.db"
    async with open_runs(path) as runs:
        assert runs is not None
        journal = runs.new_journal()
        await runs.save(record(id=journal.run_id, status="interrupted"), claim=journal.claim)
        await runs.save(record(status="finished", keep=True))
        await journal.write("A.0/reply/1", lambda: Note(text="said"))
    await asyncio.sleep(2.1)
    async with open_runs(path) as runs:
        assert runs is not None
        assert [one.status for one in await runs.all()] == ["finished"], "what is kept stays"
    with sqlite3.connect(path) as database:
        assert database.execute("select count(*) from store").fetchone() == (1,)
    database.close()


@pytest.mark.parametrize("days", ["none", "0", "-1", "nan"])
async def test_a_time_that_is_none_is_refused(
    days: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_RUNS_DAYS", days)
    with pytest.raises(ConfigError, match="FUSION_RUNS_DAYS"):
        async with open_runs(tmp_path / "runs.db"):
            pass


async def test_a_damaged_entry_is_named_and_not_acted_on(runs: RunRepository) -> None:
    journal = runs.new_journal()
    await runs.save(record(id=journal.run_id, status="interrupted"), claim=journal.claim)
    await journal.write("A.0/reply/1", lambda: Note(text="said"))
    again = await runs.journal(await runs.get(journal.run_id))

    class Other(BaseModel):
        number: int

    with pytest.raises(ConfigError, match=f"run {journal.run_id}: its record cannot be read"):
        again.read("A.0/reply/1", Other)
    await runs.delete(journal.run_id)


async def test_a_run_goes_on_when_its_store_fails(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "runs.db"

    def breaking(seen: Any) -> Any:
        with sqlite3.connect(path) as database:
            database.execute("drop table store")
        database.close()
        return text("Alpha says 42.")

    await serve(cast({A: breaking}))
    result = await aask("What is it?", settings(panel=[A]), runs=path)
    assert result.answer == "Done."
    assert "run_store" in result.degraded


async def test_a_url_s_password_is_in_no_error(tmp_path: Path) -> None:
    for host in (
        "me:s3cret@127.0.0.1:1",
        "me:s3cret@[::1",
        "me:a@s3cret@127.0.0.1",
        "me:a/s3cret@h",
    ):
        url = f"postgresql://{host}/x"
        with pytest.raises(ConfigError, match="FUSION_RUNS") as caught:
            async with open_runs(url):
                pass
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_processes_that_open_an_empty_store_at_once_all_get_it(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = str(tmp_path / "runs.db")
    if kind == "postgres":
        where = request.getfixturevalue("postgres").replace("/postgres?", "/empty?")
        async with await psycopg.AsyncConnection.connect(
            request.getfixturevalue("postgres"), autocommit=True
        ) as server:
            await server.execute("create database empty")
    code = (
        "import asyncio, sys\n"
        "from langgraph_fusion.graph.journal.store import open_runs\n"
        "async def main():\n"
        "    async with open_runs(sys.argv[1]) as runs:\n"
        "        await runs.all()\n"
        "asyncio.run(main())\n"
    )
    command = (sys.executable, "-c", code, where)
    started = [await asyncio.create_subprocess_exec(*command) for _ in range(4)]
    assert [await one.wait() for one in started] == [0, 0, 0, 0]


async def test_events_are_found_behind_a_gap_of_any_width(runs: RunRepository) -> None:
    numbers = [1, 2, 90, 91, 100_000, 999_999_999]
    for number in numbers:
        await runs.detached.append("wide", StoredEvent(number, "note", "{}"))
        await runs.detached.append("wide.below", StoredEvent(number + 3, "note", "{}"))
    for after, expected in (
        (0, numbers),
        (2, numbers[2:]),
        (50, numbers[2:]),
        (99_999, numbers[4:]),
    ):
        assert [one.number for one in await runs.detached.events("wide", after)] == expected
    assert await runs.detached.events("wide", numbers[-1]) == []
    frames = stored_frames("wide", runs.detached, 0, _is_over)
    text = b"".join([frame async for frame in frames]).decode()
    gaps = [json.loads(line[6:]) for line in text.splitlines() if '"gap"' in line]
    assert [(one["after"], one["next"]) for one in gaps] == [
        (2, 90), (91, 100_000), (100_000, 999_999_999),
    ]  # fmt: skip


async def _is_over() -> Head:
    return Head(id="wide", run_id="wide", status="finished")
