"""The queue of runs in DBOS: what servers put in and workers take out.

DBOS owns the order, the limits and which worker has what; the journal owns what was paid. An entry
is a run's id and nothing else: question and settings are in the store of runs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langgraph_fusion.graph.errors import ConfigError

if TYPE_CHECKING:
    from dbos import DBOSClient

_QUEUE, _WORKFLOW = "deliberations", "deliberate"
_APPLICATION, _VERSION = "langgraph-fusion", "1"
_NOBODY = "-"
_LOOK_S = 0.05
"""How often a worker looks for runs: most of the time until a stream's first event."""
_RECOVERIES = 1000
Work = Callable[[str, int], Awaitable[None]]


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
    from langgraph_fusion.graph.journal.postgres_url import check_postgres_url

    check_postgres_url(engine, field="engine")
    return engine.replace("postgres://", "postgresql://", 1)


class QueueClient:
    """The queue, as a server sees it."""

    def __init__(self, client: "DBOSClient") -> None:
        self._client = client

    async def put(self, work_id: str, run_id: str, attempt: int, client: str | None) -> None:
        """Enqueue an attempt at a run; a second time does nothing."""
        options: Any = {
            "queue_name": _QUEUE,
            "workflow_name": _WORKFLOW,
            "workflow_id": work_id,
            "app_version": _VERSION,
            "queue_partition_key": client or _NOBODY,
        }
        await self._client.enqueue_async(options, run_id, attempt)

    async def cancel(self, work_id: str) -> None:
        """Stop an attempt, queued or at work: its calls end within a second."""
        await self._client.cancel_workflow_async(work_id)


@asynccontextmanager
async def queue_client(engine: str) -> AsyncIterator[QueueClient]:
    """Open the queue for a server.

    Raises:
        ConfigError: If it cannot be opened.
    """
    url = database_url(engine)

    def opened() -> "DBOSClient":
        from dbos import DBOSClient

        client = DBOSClient(system_database_url=url, application_name=_APPLICATION)
        client._sys_db.run_migrations()  # a server may be there before the first worker
        return client

    try:
        client = await asyncio.to_thread(opened)
    except Exception as error:
        raise _not_opened(error) from error
    try:
        yield QueueClient(client)
    finally:
        await asyncio.to_thread(client.destroy)


@dataclass(frozen=True)
class Limits:
    """How many runs work at the same time."""

    total: int | None = None
    """Of all workers together."""
    per_worker: int = 8
    per_client: int | None = None
    """Of one key, on all workers together."""


class QueueWorker:
    """The queue, as one worker process sees it. DBOS allows one of them in a process."""

    def __init__(self, engine: str, name: str, limits: Limits) -> None:
        self._url = database_url(engine)
        self._name = name
        self._limits = limits

    def start(self, work: Work, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to take runs; `work` is awaited in this loop, and cancelled when a run is.

        Blocking.

        Raises:
            ConfigError: If the database cannot be reached.
        """
        from dbos import DBOS

        async def deliberation(run_id: str, attempt: int) -> None:
            working = asyncio.run_coroutine_threadsafe(_awaited(work, run_id, attempt), loop)
            await asyncio.wrap_future(working)

        step = DBOS.step(name="deliberation", preemptible=True)(deliberation)

        async def deliberate(run_id: str, attempt: int) -> None:
            await step(run_id, attempt)

        try:
            DBOS(config={
                "name": _APPLICATION, "system_database_url": self._url,
                "executor_id": self._name, "application_version": _VERSION,
                "log_level": "CRITICAL", "enable_otlp": False,
            })  # fmt: skip
            DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=_RECOVERIES)(deliberate)
            DBOS.launch()
            DBOS.register_queue(
                _QUEUE,
                worker_concurrency=self._limits.per_worker,
                global_concurrency=self._limits.total,
                partition_concurrency=self._limits.per_client or _RECOVERIES,
                polling_interval_sec=_LOOK_S,
                on_conflict="always_update",
            )
        except Exception as error:
            raise _not_opened(error) from error

    def recover(self, worker: str) -> int:
        """Put what a dead worker had back into the queue: how many runs. Blocking."""
        from dbos import DBOS

        return len(DBOS._recover_pending_workflows([worker]))


def _not_opened(error: Exception) -> ConfigError:
    """DBOS raises its driver's errors; their first line may name the server, never a password."""
    why = str(error).partition("\n")[0][:200]
    return ConfigError(f"the queue cannot be opened: {why}", field="engine")


async def _awaited(work: Work, run_id: str, attempt: int) -> None:
    await work(run_id, attempt)
