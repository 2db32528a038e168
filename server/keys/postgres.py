"""Keys and charges in PostgreSQL, for servers on several hosts.

The tables are in the schema `fusion`, made under a lock by whichever process comes first. Each
transaction has a time limit on both sides, so that a host that is paused in the middle of one holds
nobody up. A server that does not answer is `KeysUnavailable`; the URL is never part of a message.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.stores.postgres_url import check_postgres_url
from langgraph_fusion.server.keys.database import Dialect, KeysUnavailable, Row, Steps, T

_MIGRATIONS = (
    """
    create table keys (
      id text primary key, name text not null unique, sha256 text not null,
      created double precision not null, per_day_usd double precision, total_usd double precision,
      per_run_usd double precision, per_minute integer, at_once integer,
      for_metrics integer not null default 0
    );
    create table charges (
      id bigint generated always as identity primary key, key text not null,
      at double precision not null, usd double precision not null,
      settled integer not null default 0, runs integer not null default 1,
      stage integer not null default 2, lease_until double precision not null default 0
    );
    create index charges_of_key on charges (key, at);
    create index charges_under_way on charges (key) where settled = 0;
    """,
    """
    alter table keys add column priority integer;
    alter table charges add column priority integer not null default 0;
    """,
)
"""What makes version n + 1 of the tables out of version n; never changed, only added to."""
_BEGIN = """
    begin isolation level read committed;
    set local search_path = fusion;
    set local statement_timeout = '8s';
    set local idle_in_transaction_session_timeout = '8s';
"""
"""One message to the server; the pool commits, or rolls back after an exception."""
_MAKING, _ADMITTING = 6_031_986_411, 6_031_986_412
"""Numbers of the advisory locks."""
_WITHIN_S = 10.0
_CONNECT_S = 3.0
_WAIT_S = 5.0
"""For a connection while all are at work, or there are none."""
_CONNECTION: dict[str, Any] = {
    "autocommit": True,  # transactions are begun by name
    "connect_timeout": round(_CONNECT_S),
    "keepalives_idle": 5,
    "tcp_user_timeout": 5000,  # milliseconds: a host that is gone without a word is noticed
    "prepare_threshold": None,  # poolers such as pgbouncer give each transaction another session
}
_CONNECTIONS = 8


class PostgresDatabase:
    """The schema `fusion` of one database."""

    dialect = Dialect(
        clock="select now, floor(now / 86400) * 86400 as today "
        "from (select extract(epoch from clock_timestamp())::float8 as now) as read",
        lock_key="select id from keys where id = ? for update",
        lock_all=f"select pg_advisory_xact_lock({_ADMITTING})",
    )

    def __init__(self, url: str) -> None:
        """Raises ConfigError if it is no URL of PostgreSQL."""
        check_postgres_url(url, field="keys")
        self._url = url
        self._pool: AsyncConnectionPool[Any] | None = None
        self._is_made = False

    @asynccontextmanager
    async def open(self, *, patient: bool = False) -> AsyncIterator[None]:
        """Open connections for the length of the block; make the tables, or bring them up to date.

        Raises:
            ConfigError: If the server does not answer, unless `patient`: then the tables are made
                when it does. Also if they cannot be made or used.
        """
        if not patient:
            await self._connect_once()
        pool = AsyncConnectionPool(
            self._url,
            kwargs=_CONNECTION,
            min_size=0,
            max_size=_CONNECTIONS,
            timeout=_WAIT_S,
            reconnect_timeout=_CONNECT_S,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )
        await pool.open()
        self._pool = pool
        try:
            with suppress(KeysUnavailable):  # each transaction tries again
                async with self._connection() as connection:
                    await self._make_once(connection)
            yield
        finally:
            self._pool = None
            await pool.close()

    async def run(self, steps: Steps[T], *, read_only: bool = False) -> T:
        async with self._connection() as connection:
            try:
                await self._make_once(connection)
            except ConfigError as error:
                raise KeysUnavailable(str(error)) from None
            await connection.execute(_BEGIN)
            async with connection.cursor(row_factory=dict_row) as db:
                return await _finish(steps, db)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        assert self._pool is not None, "the keys have not been opened"
        try:
            async with asyncio.timeout(_WITHIN_S), self._pool.connection() as connection:
                yield connection
        except (psycopg.Error, TimeoutError) as error:
            raise KeysUnavailable(_reason(error)) from None

    async def _make_once(self, connection: AsyncConnection[Any]) -> None:
        if not self._is_made:
            await _make(connection)
            self._is_made = True

    async def _connect_once(self) -> None:
        """A pool would only say that it had no connection."""
        try:
            connection = await AsyncConnection.connect(self._url, **_CONNECTION)
        except psycopg.Error as error:
            raise ConfigError(
                f"the PostgreSQL server does not answer: {_reason(error)}", field="keys"
            ) from None
        await connection.close()


async def _make(connection: AsyncConnection[Any]) -> None:
    """Make the tables, or bring them up to date, while every other process waits.

    Raises:
        ConfigError: If that is not permitted, or a later version has made them.
    """
    if connection.info.encoding == "ascii":
        raise ConfigError("that database's encoding is SQL_ASCII; make one with UTF8", field="keys")
    try:
        async with connection.transaction():
            await connection.execute(f"select pg_advisory_xact_lock({_MAKING})")
            await connection.execute("set local search_path = fusion")
            version = await _version(connection)
            if version > len(_MIGRATIONS):
                raise ConfigError(
                    f"its tables are of version {version}, and this program knows "
                    f"{len(_MIGRATIONS)}: a later langgraph-fusion made them; update this one",
                    field="keys",
                )
            for script in _MIGRATIONS[version:]:
                await connection.execute(script)
            await connection.execute("update version set number = %s", (len(_MIGRATIONS),))
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigError(
            f"no tables can be made there: {error.diag.message_primary}. Give this user the right "
            "to create a schema, or make the schema `fusion` and let the user own it",
            field="keys",
        ) from None


async def _version(connection: AsyncConnection[Any]) -> int:
    """The version of the tables; 0 where there are none."""
    cursor = await connection.execute("select to_regnamespace('fusion') is null")
    if (await cursor.fetchone() or (False,))[0]:
        await connection.execute("create schema fusion")
    await connection.execute("create table if not exists version (number integer not null)")
    cursor = await connection.execute("select number from version")
    row = await cursor.fetchone()
    if row is None:
        await connection.execute("insert into version values (0)")
        return 0
    return int(row[0])


async def _finish(steps: Steps[T], db: AsyncCursor[Row]) -> T:
    try:
        statement = next(steps)
        while True:
            await db.execute(statement.sql.replace("?", "%s").encode(), statement.given)
            statement = steps.send(await db.fetchall() if db.description else [])
    except StopIteration as done:
        value: T = done.value
        return value


def _reason(error: Exception) -> str:
    """What the operator is told: libpq's own words, in which there is no password."""
    return " ".join(str(error).split()) or "the PostgreSQL server does not answer"
