"""In which order workers take runs, and how many: priorities, keys in turn, limits."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from langgraph_fusion.server.engine.dequeue import Contended, Dequeuer, Places
from langgraph_fusion.server.engine.notices import notices_at
from langgraph_fusion.server.engine.queue import (
    Limits,
    QueueClient,
    QueueWorker,
    _opened,
    queue_client,
)
from tests.postgres_server import postgres
from tests.server.asking import until

__all__ = ["postgres"]


@dataclass
class Seen:
    """What workers were given; an entry of the queue is named `client.number`."""

    order: list[str] = field(default_factory=list)
    at_work: list[str] = field(default_factory=list)
    most: Counter[str] = field(default_factory=Counter)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, worker: str) -> "_Performing":
        return _Performing(self, worker)


@dataclass
class _Performing:
    seen: Seen
    worker: str

    async def __call__(self, work_id: str) -> None:
        client, seen = work_id.partition(".")[0], self.seen
        seen.order.append(work_id)
        seen.at_work += [client, self.worker, "all"]
        seen.most |= Counter(seen.at_work)
        await seen.gate.wait()
        await asyncio.sleep(0)
        for one in (client, self.worker, "all"):
            seen.at_work.remove(one)


@pytest.fixture(params=["sqlite", "postgres"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "queue.db")
    url: str = request.getfixturevalue("postgres")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("drop schema if exists dbos cascade")
    return url


@asynccontextmanager
async def queued(engine: str, *entries: tuple[str, int]) -> AsyncIterator[QueueClient]:
    async with queue_client(engine) as client:
        for number, (key, priority) in enumerate(entries):
            await client.put(f"{key}.{number}", key, priority)
        yield client


async def test_urgent_runs_are_first_and_keys_of_one_priority_take_turns(engine: str) -> None:
    entries = [("ada", 0)] * 4 + [("bob", 0), ("ada", 2), ("bob", 1), ("eve", 0), ("ada", 2)]
    seen = Seen()
    seen.gate.set()
    worker = QueueWorker(engine, "one", Limits(per_worker=1))
    async with (
        queued(engine, *entries),
        notices_at(engine).open() as notices,
        worker.taking(seen.of("one"), notices),
    ):
        await until(lambda: len(seen.order) == len(entries))
    assert seen.order[:3] == ["ada.5", "ada.8", "bob.6"]
    assert seen.order[3:] == ["ada.0", "ada.1", "ada.2", "ada.3", "bob.4", "eve.7"]


async def test_a_key_that_floods_takes_turns_for_the_places_of_a_worker(engine: str) -> None:
    entries = [("ada", 0)] * 6 + [("bob", 0), ("eve", 0), ("bob", 0)]
    seen = Seen()
    worker = QueueWorker(engine, "one", Limits(per_worker=6))
    async with (
        queued(engine, *entries),
        notices_at(engine).open() as notices,
        worker.taking(seen.of("one"), notices),
    ):
        await until(lambda: len(seen.order) == 6)
        assert Counter(one[:3] for one in seen.order) == {"ada": 3, "bob": 2, "eve": 1}
        seen.gate.set()
        await until(lambda: len(seen.order) == len(entries))


async def test_limits_of_a_worker_of_a_key_and_of_all_hold_over_two_workers(engine: str) -> None:
    entries = [("ada", 0)] * 8 + [("bob", 0)] * 6
    seen = Seen()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(queued(engine, *entries))
        for name in ("one", "other"):
            notices = await stack.enter_async_context(notices_at(engine).open())
            worker = QueueWorker(engine, name, Limits(total=5, per_worker=4, per_client=3))
            await stack.enter_async_context(worker.taking(seen.of(name), notices))
        await until(lambda: len(seen.at_work) == 3 * 5)
        seen.gate.set()
        await until(lambda: len(seen.order) == len(entries))
        assert len(set(seen.order)) == len(entries)
    assert seen.most["all"] == 5
    assert max(seen.most["ada"], seen.most["bob"]) == 3
    assert max(seen.most["one"], seen.most["other"]) <= 4


async def test_what_a_worker_hands_back_is_another_s_at_once(engine: str) -> None:
    seen, again = Seen(), Seen()
    again.gate.set()
    async with queued(engine, ("ada", 0), ("bob", 0)), notices_at(engine).open() as notices:
        async with QueueWorker(engine, "one", Limits()).taking(seen.of("one"), notices):
            await until(lambda: len(seen.order) == 2)
        async with QueueWorker(engine, "other", Limits()).taking(again.of("other"), notices):
            await until(lambda: sorted(again.order) == sorted(seen.order))


async def test_what_was_given_to_a_dead_worker_is_given_to_another(engine: str) -> None:
    seen, again = Seen(), Seen()
    again.gate.set()
    async with queued(engine, ("ada", 0)), notices_at(engine).open() as notices:
        one = QueueWorker(engine, "one", Limits(per_worker=1))
        other = QueueWorker(engine, "other", Limits())
        async with one.taking(seen.of("one"), notices):
            await until(lambda: seen.order)
            async with other.taking(again.of("other"), notices):
                assert await other.recover("one") == 1
                assert await other.recover("one") == 0
                await until(lambda: again.order == ["ada.0"])
            seen.gate.set()


async def test_of_many_workers_that_count_at_the_same_moment_one_takes_the_last_place(
    engine: str,
) -> None:
    entries = [("ada", 0)] * 12 + [("bob", 0)] * 12
    places = Places("deliberations", 3, 2)

    def claimed(dequeuer: Dequeuer) -> int:
        count = 0
        for _ in range(6):
            with suppress(Contended):
                count += dequeuer.take() is not None
        return count

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(queued(engine, *entries))
        dequeuers = []
        for number in range(6):
            client = await stack.enter_async_context(_opened(engine))
            dequeuers.append(Dequeuer(client, places, f"worker{number}", "1"))
        counts = await asyncio.gather(*(asyncio.to_thread(claimed, one) for one in dequeuers))
    assert sum(counts) == 3
