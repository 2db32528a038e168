"""Where runs are kept: a SQLite file by default, PostgreSQL by URL, or any store of LangGraph.

`FUSION_RUNS` names a file, a `postgresql://` URL, or is `off`. Texts of untrusted pages and models
are in it, never a key.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph_fusion.graph.errors import ConfigError

if TYPE_CHECKING:  # drivers are loaded when a store is opened
    from langgraph.store.base import BaseStore
    from langgraph.store.postgres import AsyncPostgresStore

    from langgraph_fusion.graph.journal.repository import RunRepository
    from langgraph_fusion.graph.journal.run_record import Origin

VARIABLE = "FUSION_RUNS"
KEEP, DAYS = "FUSION_KEEP_RUNS", "FUSION_RUNS_DAYS"
QUESTIONS = "FUSION_RUNS_QUESTIONS"
OFF = "off"
_CONNECT_S = 5
_SERVERS = ("postgresql://", "postgres://")
_LOCKED = (
    "another process has been writing to it for 10 seconds: one that was paused in the middle"
    " (Ctrl-Z, a debugger) holds it until it goes on or ends"
)
_OUT = f"Set `{VARIABLE}` to a file, to a postgresql:// URL, or to `{OFF}`."


def default_place() -> str:
    """Where runs are kept by default: what `FUSION_RUNS` names, else a file."""
    if named := os.environ.get(VARIABLE):
        return named
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return str(Path(data) / "langgraph-fusion" / "runs.db")


@asynccontextmanager
async def open_runs(
    place: "RunRepository | BaseStore | str | Path | None",
    *,
    keep: bool | None = None,
    origin: "Origin | None" = None,
    dead_after_s: float | None = None,
) -> "AsyncIterator[RunRepository | None]":
    """Open the place for the length of the block; None for `off` and for no place at all.

    `keep` leaves the texts of finished runs in the store; left out, `FUSION_KEEP_RUNS` says so.
    `origin` is who keeps runs there; with those of the terminal their questions' beginnings are
    kept, unless `FUSION_RUNS_QUESTIONS` is 0. Another process may take over runs of this one when
    it has said nothing for `dead_after_s` seconds (None: 120). Runs that are open already are used
    as they are.

    Raises:
        ConfigError: If it cannot be opened; the text says why and never holds the URL's password.
    """
    if place is None or place == OFF:
        yield None
        return
    from langgraph_fusion.graph.journal.repository import RunRepository
    from langgraph_fusion.graph.journal.stores.heartbeat import DEAD_AFTER_S

    if isinstance(place, RunRepository):
        yield place
        return
    keep = os.environ.get(KEEP, "") not in ("", "0") if keep is None else keep
    questions = origin == "terminal" and os.environ.get(QUESTIONS, "1").strip() != "0"
    async with (
        _opened(place) as store,
        RunRepository(
            store,
            keep=keep,
            days=_days(),
            origin=origin,
            questions=questions,
            dead_after_s=dead_after_s or DEAD_AFTER_S,
        ) as runs,
    ):
        yield runs


def _days() -> float:
    from langgraph_fusion.graph.journal.repository import DAYS as DEFAULT

    given = os.environ.get(DAYS, "")
    try:
        days = float(given) if given else DEFAULT
    except ValueError:
        days = 0.0
    if not 0 < days <= 36500:
        raise ConfigError(f"{given!r} is no number of days, for example 7 or 0.5", field=DAYS)
    return days


@asynccontextmanager
async def _opened(place: "BaseStore | str | Path") -> "AsyncIterator[BaseStore]":
    if not isinstance(place, str | Path):
        yield place
        return
    server = str(place).startswith(_SERVERS)
    opening = _postgres(str(place)) if server else _sqlite(Path(place).expanduser())
    async with opening as store:
        yield store


@asynccontextmanager
async def _sqlite(path: Path) -> "AsyncIterator[BaseStore]":
    from langgraph_fusion.graph.journal.stores.sqlite_store import sqlite_store

    opened = False
    try:
        async with sqlite_store(path) as store:
            opened = True
            yield store
    except (OSError, sqlite3.Error) as error:
        if opened and isinstance(error, OSError):
            raise  # of whoever uses the store: another file of theirs
        locked = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        why = _LOCKED if locked else error
        raise ConfigError(f"runs cannot be kept in {path}: {why}. {_OUT}") from error


@asynccontextmanager
async def _postgres(url: str) -> "AsyncIterator[BaseStore]":
    try:
        import psycopg
        from langgraph.store.postgres import AsyncPostgresStore, PoolConfig
    except ImportError as error:
        raise ConfigError(
            "PostgreSQL needs `pip install 'langgraph-fusion[postgres]'`", field=VARIABLE
        ) from error
    await _try_to_connect(url)
    pool = PoolConfig(min_size=1, max_size=4)
    opening: AbstractAsyncContextManager[Any] = AsyncPostgresStore.from_conn_string(
        url, pool_config=pool
    )
    async with opening as store:
        try:
            await _make_tables(store)
        except psycopg.Error as error:
            raise ConfigError(
                f"no tables can be made there: {error}. {_OUT}", field=VARIABLE
            ) from None
        try:
            yield store
        finally:
            await _stopped(store)


async def _stopped(store: "AsyncPostgresStore") -> None:
    """End the store's own task, which closing it leaves to the collector (and that to the log)."""
    batches = store._task
    if batches is not None:
        batches.cancel()
        await asyncio.wait([batches])


async def _make_tables(store: "AsyncPostgresStore") -> None:
    """Make what is missing, while other processes perhaps do the same at the same moment."""
    from psycopg.errors import DeadlockDetected, InternalError_, ProgrammingError, UniqueViolation
    from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random

    together: Any = AsyncRetrying(
        retry=retry_if_exception_type(
            (UniqueViolation, DeadlockDetected, InternalError_, ProgrammingError)
        ),
        stop=stop_after_attempt(20),
        wait=wait_random(0.05, 0.3),
        reraise=True,
    )
    await together(store.setup)


async def _try_to_connect(url: str) -> None:
    """A pool would try for half a minute."""
    import psycopg

    from langgraph_fusion.graph.journal.stores.postgres_url import check_postgres_url

    check_postgres_url(url, field=VARIABLE, way_out=_OUT)
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=_CONNECT_S)
    except psycopg.Error as error:
        raise ConfigError(f"{' '.join(str(error).split())}. {_OUT}", field=VARIABLE) from None
    encoding = connection.info.encoding
    await connection.close()
    if encoding == "ascii":
        raise ConfigError(
            "that database's encoding is SQL_ASCII; make one with UTF8.", field=VARIABLE
        )
