"""LangGraph's store in PostgreSQL, with writes that depend on what is there.

Each is one statement, which the server does whole; times are the server's.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from langgraph.store.base import PutOp
from langgraph.store.postgres import AsyncPostgresStore
from psycopg import AsyncCursor
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from langgraph_fusion.graph.journal.stores.claim import (
    Claim,
    Entry,
    Place,
    Write,
    boot_time,
    settle,
)

_TAKE = """
    UPDATE store
    SET value = %s, updated_at = clock_timestamp(), ttl_minutes = %s,
        expires_at = clock_timestamp() + %s * interval '1 minute'
    WHERE prefix = %s AND key = %s AND value->>'text' = %s
"""
_WRITE = """
    WITH given AS (
        SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::float8[], %s::bool[],
                             %s::text[], %s::text[], %s::text[])
        AS given(prefix, key, value, ttl, makes, claim_prefix, claim_key, claim)
    ), made AS (
        INSERT INTO store (prefix, key, value, created_at, updated_at, expires_at, ttl_minutes)
        SELECT prefix, key, value::jsonb, clock_timestamp(), clock_timestamp(),
               clock_timestamp() + ttl * interval '1 minute', ttl
        FROM given WHERE makes
        ON CONFLICT (prefix, key) DO NOTHING
        RETURNING prefix, key, value->>'claim' AS claim
    ), there AS MATERIALIZED (
        SELECT prefix, key, value->>'claim' AS claim FROM store
        WHERE (prefix, key) IN (SELECT claim_prefix, claim_key FROM given WHERE claim IS NOT NULL)
        ORDER BY prefix, key FOR NO KEY UPDATE
    ), valid AS (
        SELECT * FROM made UNION ALL SELECT * FROM there
    ), kept AS (
        SELECT given.* FROM given WHERE NOT makes AND (claim IS NULL OR EXISTS (
            SELECT 1 FROM valid WHERE (valid.prefix, valid.key, valid.claim)
                                    = (claim_prefix, claim_key, given.claim)))
    ), removed AS (
        DELETE FROM store USING kept
        WHERE store.prefix = kept.prefix AND store.key = kept.key AND kept.value IS NULL
    ), put AS (
        INSERT INTO store (prefix, key, value, created_at, updated_at, expires_at, ttl_minutes)
        SELECT prefix, key, value::jsonb, clock_timestamp(), clock_timestamp(),
               clock_timestamp() + ttl * interval '1 minute', ttl
        FROM kept WHERE value IS NOT NULL
        ON CONFLICT (prefix, key) DO UPDATE
        SET value = EXCLUDED.value, updated_at = EXCLUDED.updated_at,
            expires_at = EXCLUDED.expires_at, ttl_minutes = EXCLUDED.ttl_minutes
    )
    SELECT prefix, key, claim FROM valid
"""
_BEAT = """
    WITH given AS (
        SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]) AS given(prefix, key, claim)
    ), there AS MATERIALIZED (
        SELECT store.prefix, store.key FROM store JOIN given USING (prefix, key)
        ORDER BY store.prefix, store.key FOR NO KEY UPDATE OF store
    )
    UPDATE store
    SET updated_at = clock_timestamp(),
        expires_at = clock_timestamp() + ttl_minutes * interval '1 minute'
    FROM given JOIN there USING (prefix, key)
    WHERE (store.prefix, store.key, store.value->>'claim')
        = (given.prefix, given.key, given.claim)
    RETURNING store.prefix AS prefix, store.key AS key, given.claim AS claim
"""
_FOLLOWING = """
    SELECT key, value FROM store WHERE prefix = %s AND key > %s ORDER BY key LIMIT %s
"""
_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8 AS now"


class PostgresClaims:
    """The conditional writes of an `AsyncPostgresStore`. All raise `psycopg.Error`."""

    def __init__(self, store: AsyncPostgresStore) -> None:
        self._store = store

    async def take(self, put: PutOp, expected: str) -> bool:
        where = (_text(put.namespace), put.key, expected)
        async with self._cursor() as cursor:
            await cursor.execute(_TAKE, (Jsonb(put.value), put.ttl, put.ttl, *where))
            return cursor.rowcount == 1

    async def write(self, writes: Sequence[Write]) -> None:
        asked_at = boot_time()
        latest = {one.place: one for one in writes}  # a statement can write a row once
        rows = [_row(one) for one in latest.values()]
        async with self._cursor() as cursor:
            await cursor.execute(_WRITE, [list(column) for column in zip(*rows, strict=True)])
            valid = await _claims(cursor)
        settle({one.claim for one in writes if one.claim is not None}, valid, asked_at)

    async def beat(self, claims: Sequence[Claim]) -> None:
        asked_at = boot_time()
        rows = [(_text(one.place[0]), one.place[1], one.token) for one in claims]
        async with self._cursor() as cursor:
            await cursor.execute(_BEAT, [list(column) for column in zip(*rows, strict=True)])
            valid = await _claims(cursor)
        settle(claims, valid, asked_at)

    async def following(self, space: tuple[str, ...], key: str, most: int) -> list[Entry]:
        async with self._cursor() as cursor:
            await cursor.execute(_FOLLOWING, (_text(space), key, most))
            return [(row["key"], row["value"]) for row in await cursor.fetchall()]

    async def now(self) -> float:
        async with self._cursor() as cursor:
            await cursor.execute(_NOW)
            row = await cursor.fetchone()
        assert row is not None
        return float(row["now"])

    @asynccontextmanager
    async def _cursor(self) -> AsyncIterator[AsyncCursor[DictRow]]:
        connection = self._store.conn
        if isinstance(connection, AsyncConnectionPool):
            async with (
                connection.connection() as one,
                one.cursor(row_factory=dict_row) as cursor,
            ):
                yield cursor
        else:
            async with self._store.lock, connection.cursor(row_factory=dict_row) as cursor:
                yield cursor


def _row(write: Write) -> tuple[Any, ...]:
    put, claim = write.put, write.claim
    value = None if put.value is None else json.dumps(put.value)
    whose = (_text(claim.place[0]), claim.place[1], claim.token) if claim else (None, None, None)
    return (_text(put.namespace), put.key, value, put.ttl, write.makes_item, *whose)


async def _claims(cursor: AsyncCursor[DictRow]) -> dict[Place, str | None]:
    rows = await cursor.fetchall()
    return {(tuple(row["prefix"].split(".")), row["key"]): row["claim"] for row in rows}


def _text(namespace: tuple[str, ...]) -> str:
    return ".".join(namespace)
