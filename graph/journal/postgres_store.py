"""LangGraph's store in PostgreSQL, with a write that depends on what is there."""

from datetime import UTC, datetime, timedelta

from langgraph.store.base import PutOp
from langgraph.store.postgres import AsyncPostgresStore
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

_UPDATE = """
    UPDATE store
    SET value = %s, updated_at = CURRENT_TIMESTAMP, expires_at = %s, ttl_minutes = %s
    WHERE prefix = %s AND key = %s AND value->>'text' = %s
"""


async def update_where_unchanged(store: AsyncPostgresStore, put: PutOp, expected: str) -> bool:
    """Write the item if its `text` still is `expected`: one statement, which PostgreSQL does whole.

    Raises:
        psycopg.Error: If the server does not answer.
    """
    expires = datetime.now(UTC) + timedelta(minutes=put.ttl) if put.ttl is not None else None
    where = (".".join(put.namespace), put.key, expected)
    given = (Jsonb(put.value), expires, put.ttl, *where)
    if isinstance(store.conn, AsyncConnectionPool):
        async with store.conn.connection() as connection:
            cursor = await connection.execute(_UPDATE, given)
    else:
        async with store.lock:
            cursor = await store.conn.execute(_UPDATE, given)
    return cursor.rowcount == 1
