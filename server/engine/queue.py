"""The queue of runs in DBOS: what servers put in and workers take out.

DBOS owns the order, the limits and which worker has what; the journal owns what was paid. An entry
is a run's id and nothing else: question and settings are in the store of runs.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.engine.dequeue import Contended, Dequeuer, Places, Work
from langgraph_fusion.server.engine.notices import OFTEN_S, QUEUED, Notices
from langgraph_fusion.server.logging import log_event, log_surprise
from langgraph_fusion.server.runs.run_request import MAX_PRIORITY

if TYPE_CHECKING:
    from dbos import DBOSClient

_QUEUE, _WORKFLOW = "deliberations", "deliberate"
_APPLICATION, _VERSION = "langgraph-fusion", "1"
_NOBODY = "-"
_AWAY_S = 0.5
_AT_THE_END_S = 5.0
_CONFLICT_S = 0.02
_CHATTY = ("dbos", "sqlalchemy.pool", "psycopg.pool")
"""Loggers that tell of every lost connection, with its address; we say it once."""
Perform = Callable[[str], Awaitable[None]]
"""Does an entry of the queue, by its id."""


def database_url(engine: str) -> str:
    """The URL that DBOS takes, for a `postgresql://` URL or a SQLite file.

    Raises:
        ConfigError: If DBOS is not installed, or libpq would read the URL wrongly.
    """
    try:
        import dbos  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "an engine needs `pip install 'langgraph-fusion[dbos]'`", field="engine"
        ) from error
    if "://" not in engine:
        return f"sqlite:///{engine}"
    from langgraph_fusion.graph.journal.stores.postgres_url import check_postgres_url

    check_postgres_url(engine, field="engine")
    return engine.replace("postgres://", "postgresql://", 1)


class QueueClient:
    """The queue, as a server sees it."""

    def __init__(self, client: "DBOSClient") -> None:
        self._client = client

    async def put(self, work_id: str, client: str | None, priority: int) -> None:
        """Enqueue an attempt at a run; a second time does nothing. High priorities are first."""
        options: Any = {
            "queue_name": _QUEUE,
            "workflow_name": _WORKFLOW,
            "workflow_id": work_id,
            "app_version": _VERSION,
            "queue_partition_key": client or _NOBODY,
            "priority": MAX_PRIORITY + 1 - priority,  # DBOS takes low numbers first
        }
        await self._client.enqueue_async(options)

    async def cancel(self, work_id: str) -> None:
        """Take an attempt out of the queue, or its place from whoever works on it."""
        await self._client.cancel_workflow_async(work_id)

    async def forget(self, work_id: str) -> None:
        """Remove what the queue knows of an attempt that is over."""
        await self._client.delete_workflow_async(work_id)


@asynccontextmanager
async def queue_client(engine: str) -> AsyncIterator[QueueClient]:
    """Open the queue for a server.

    Raises:
        ConfigError: If it cannot be opened.
    """
    async with _opened(engine) as client:
        yield QueueClient(client)


@dataclass(frozen=True)
class Limits:
    """How many runs work at the same time."""

    total: int | None = None
    """Of all workers together."""
    per_worker: int = 8
    per_client: int | None = None
    """Of one key, on all workers together."""


class QueueWorker:
    """The queue, as one worker process sees it. For one event loop."""

    def __init__(self, engine: str, name: str, limits: Limits) -> None:
        database_url(engine)
        self._engine = engine
        self._name = name
        self._limits = limits
        self._busy: dict[Work, asyncio.Task[None]] = {}
        self._ending = set[asyncio.Task[None]]()
        self._is_stopping = False
        self._lost = set[str]()
        self._is_away = False

    @asynccontextmanager
    async def taking(self, perform: Perform, notices: Notices) -> AsyncIterator[None]:
        """Take runs for the length of the block; those that are left are handed back.

        Raises:
            ConfigError: If the queue cannot be opened.
        """
        places = Places(_QUEUE, self._limits.total, self._limits.per_client)
        async with _opened(self._engine) as client:
            self._dequeuer = Dequeuer(client, places, self._name, _VERSION)
            self._notices = notices
            taking = asyncio.create_task(self._take_runs(perform))
            try:
                yield
            finally:
                taking.cancel()
                await asyncio.gather(taking, return_exceptions=True)
                await self._hand_back()

    async def recover(self, worker: str) -> int:
        """Put what a dead worker had back into the queue: how many runs."""
        count = 0
        for work_id in await asyncio.to_thread(self._dequeuer.of, worker):
            count += await asyncio.to_thread(self._dequeuer.put_back, work_id, worker)
        self._notices.tell(QUEUED)
        return count

    async def recover_lost(self) -> None:
        """Put back what this worker was given, and the answer to its claim was lost.

        Asked twice: the end of a run may be on its way into the database.
        """
        found = await asyncio.to_thread(self._dequeuer.of) - {work.id for work in self._busy}
        for work_id in found & self._lost:
            await asyncio.to_thread(self._dequeuer.put_back, work_id)
        self._lost = found

    async def _take_runs(self, perform: Perform) -> None:
        with self._notices.listening(QUEUED) as heard:
            self._heard = heard
            while True:
                try:
                    something_waits = await self._fill(perform)
                except Exception as error:  # noqa: BLE001 - drivers raise their own
                    self._say_away(error)
                    await asyncio.sleep(_AWAY_S)
                    continue
                self._say_back()
                if something_waits:  # for a place that others have
                    await asyncio.sleep(OFTEN_S * random.uniform(0.8, 1.2))
                else:
                    await heard.wait()

    async def _fill(self, perform: Perform) -> bool:
        """Take what may be taken; whether runs wait that others' limits keep out."""
        while len(self._busy) < self._limits.per_worker:
            try:
                work = await asyncio.shield(asyncio.create_task(self._take(perform)))
            except Contended:
                await asyncio.sleep(_CONFLICT_S * random.random())
                continue
            if work is None:
                return not await asyncio.to_thread(self._dequeuer.is_empty)
        return False

    async def _take(self, perform: Perform) -> Work | None:
        work = await asyncio.to_thread(self._dequeuer.take)
        if work is not None:
            self._busy[work] = asyncio.create_task(self._do(work, perform))
        return work

    async def _do(self, work: Work, perform: Perform) -> None:
        over: Callable[[], object] = partial(self._dequeuer.done, work)
        try:
            await perform(work.id)
        except Exception as error:  # noqa: BLE001 - what it is, who looks at the log has to find out
            log_surprise(error, work=work.id)
            await asyncio.sleep(_AWAY_S)
            over = partial(self._dequeuer.put_back, work.id)
        finally:
            if not self._is_stopping:
                ending = asyncio.create_task(self._end(work, over))
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
                await asyncio.shield(ending)

    async def _end(self, work: Work, over: Callable[[], object]) -> None:
        """Give the place of a run to the next one."""
        while True:
            with suppress(Exception):  # the database is away: it is told when it is back
                await asyncio.to_thread(over)
                break
            await asyncio.sleep(_AWAY_S)
        self._busy.pop(work, None)
        self._heard.tell()
        if self._limits.total is not None or self._limits.per_client is not None:
            self._notices.tell(QUEUED)

    async def _hand_back(self) -> None:
        """Stop what is at work here, and let others take it; who cannot be told finds out."""
        self._is_stopping = True
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)
        if self._ending:
            await asyncio.wait(self._ending, timeout=_AT_THE_END_S)
        for work in list(self._busy):
            with suppress(Exception):
                await asyncio.to_thread(self._dequeuer.put_back, work.id)
        self._notices.tell(QUEUED)

    def _say_away(self, error: Exception) -> None:
        if not self._is_away:
            log_event("queue.away", logging.WARNING, error=type(error).__name__)
        self._is_away = True

    def _say_back(self) -> None:
        if self._is_away:
            log_event("queue.back")
        self._is_away = False


@asynccontextmanager
async def _opened(engine: str) -> "AsyncIterator[DBOSClient]":
    url = database_url(engine)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)

    def opened() -> "DBOSClient":
        from dbos import DBOSClient

        client = DBOSClient(
            system_database_url=url, application_name=_APPLICATION, retry_connection_errors=False
        )
        client._sys_db.run_migrations()  # whoever comes first
        return client

    try:
        client = await asyncio.to_thread(opened)
    except Exception as error:
        raise _not_opened(error) from error
    try:
        yield client
    finally:
        await asyncio.to_thread(client.destroy)


def _not_opened(error: Exception) -> ConfigError:
    """DBOS raises its driver's errors; their first line may name the server, never a password."""
    why = str(error).partition("\n")[0].removeprefix("(psycopg.OperationalError) ")[:200]
    return ConfigError(f"the queue cannot be opened: {why}", field="engine")
