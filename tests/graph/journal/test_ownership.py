"""Of all who want to take over a stopped run, one gets it: in one process and in several."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.store import open_runs
from tests.graph.journal.test_store import record
from tests.postgres_server import postgres

__all__ = ["postgres"]

PROCESSES, RUNS = 4, 12
TAKER = """
import asyncio, sys
from pathlib import Path
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.store import open_runs

async def take(runs, run_id):
    try:
        await runs.reopen(run_id)
    except ConfigError:
        return
    print(run_id, flush=True)

async def main(place, go, *ids):
    async with open_runs(place) as one, open_runs(place) as other:
        print("ready", flush=True)
        while not Path(go).exists():
            await asyncio.sleep(0.001)
        for run_id in ids:
            await asyncio.gather(*(take(runs, run_id) for runs in (one, other) * 2))
        print("tried all", flush=True)
        sys.stdin.read()  # whose owner has ended can be taken over, rightly

asyncio.run(main(*sys.argv[1:]))
"""


class Note(BaseModel):
    text: str


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "postgres":
        return request.getfixturevalue("postgres")
    return InMemoryStore() if request.param == "memory" else tmp_path / "runs.db"


async def _stopped(runs: RunRepository) -> str:
    journal = runs.new_journal()
    await runs.save(record(id=journal.run_id, status="interrupted"), claim=journal.claim)
    await journal.write("A.0/reply/1", lambda: Note(text="said"))
    return journal.run_id


async def test_two_repositories_cannot_take_over_the_same_run(place: Any) -> None:
    async with open_runs(place) as first, open_runs(place) as second:
        assert first is not None
        assert second is not None
        for _ in range(10):
            run_id = await _stopped(first)
            tries = [runs.reopen(run_id) for runs in (first, second, first, second)]
            found = await asyncio.gather(*tries, return_exceptions=True)
            refused = [one for one in found if isinstance(one, ConfigError)]
            assert len(refused) == 3, found
            with pytest.raises(ConfigError, match="is still running"):
                await second.delete(run_id)


async def test_a_record_that_has_changed_since_it_was_read_is_not_overwritten(place: Any) -> None:
    async with open_runs(place) as runs:
        assert runs is not None
        run_id = await _stopped(runs)
        mine, first = await runs.reopen(run_id)
        stopped = mine.changed(status="interrupted", owner=None, seconds=7.0)
        await runs.save(stopped, claim=first.claim)
        again, second = await runs.reopen(run_id)
        assert (again.seconds, again.resumes) == (7.0, 2)
        await runs.save(stopped, claim=first.claim)
        assert (await runs.get(run_id)).now == "running"
        await runs.save(again.changed(status="failed", owner=None), claim=second.claim)
        assert (await runs.get(run_id)).now == "failed"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_one_of_many_processes_takes_a_run_over(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = str(tmp_path / "runs.db") if kind == "sqlite" else request.getfixturevalue("postgres")
    async with open_runs(where) as runs:
        assert runs is not None
        ids = [await _stopped(runs) for _ in range(RUNS)]
    go = tmp_path / "go"
    command = (sys.executable, "-c", TAKER, where, str(go), *ids)
    takers = [
        await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env={**os.environ})
        for _ in range(PROCESSES)
    ]
    for taker in takers:
        assert taker.stdout is not None
        assert await taker.stdout.readline() == b"ready\n"
    go.touch()
    said = [await _won(taker) for taker in takers]
    for taker in takers:
        await taker.communicate(b"")
    assert [taker.returncode for taker in takers] == [0] * PROCESSES
    assert sorted(run_id for won in said for run_id in won) == sorted(ids)


async def _won(taker: Process) -> list[str]:
    """The runs that a process took over, once it has tried all."""
    assert taker.stdout is not None
    won = []
    while (line := (await taker.stdout.readline()).decode().strip()) != "tried all":
        assert line, "it ended before it had tried all"
        won.append(line)
    return won
