"""Writes that depend on a claim, in the tables of `sqlite_tables`; each is one transaction."""

import sqlite3
from collections.abc import Iterable, Sequence

from langgraph.store.base import PutOp

from langgraph_fusion.graph.journal.stores.claim import Claim, Place, Write
from langgraph_fusion.graph.journal.stores.sqlite_tables import (
    NOW,
    encoded,
    expiry,
    make_item,
    namespace_text,
    put_item,
    transaction,
)

_TAKE = f"""
    UPDATE store SET value = ?, updated_at = {NOW}, expires_at = ?, ttl_minutes = ?
    WHERE prefix = ? AND key = ? AND json_extract(CAST(value AS TEXT), '$.text') = ?
"""
_VALID = """
    SELECT json_extract(CAST(value AS TEXT), '$.claim') FROM store WHERE prefix = ? AND key = ?
"""
_BEAT = f"""
    UPDATE store SET updated_at = {NOW},
        expires_at = strftime('%Y-%m-%d %H:%M:%f+00:00', 'now', ttl_minutes || ' minutes')
    WHERE prefix = ? AND key = ?
"""


def take(connection: sqlite3.Connection, put: PutOp, expected: str) -> bool:
    """Write the item if its `text` still is `expected`: one statement."""
    where = (namespace_text(put.namespace), put.key, expected)
    given = (encoded(put.value), expiry(put.ttl), put.ttl, *where)
    return connection.execute(_TAKE, given).rowcount == 1


def write(connection: sqlite3.Connection, writes: Sequence[Write]) -> dict[Place, str | None]:
    """Write what depends on no claim or a valid one; the valid claim of every item that exists."""
    with transaction(connection, writes=True):
        for one in writes:
            if one.makes_item:
                make_item(connection, one.put)
        valid = _valid(connection, (one.claim for one in writes if one.claim is not None))
        for one in writes:
            if one.claim is None or one.claim.holds(valid):
                put_item(connection, one.put)
    return valid


def beat(connection: sqlite3.Connection, claims: Sequence[Claim]) -> dict[Place, str | None]:
    """Renew the items of valid claims; returns the valid claim of every item."""
    with transaction(connection, writes=True):
        valid = _valid(connection, claims)
        held = [one for one in claims if one.holds(valid)]
        connection.executemany(_BEAT, [_row(one.place) for one in held])
    return valid


def _valid(connection: sqlite3.Connection, claims: Iterable[Claim]) -> dict[Place, str | None]:
    found = dict[Place, str | None]()
    for place in {claim.place for claim in claims}:
        row = connection.execute(_VALID, _row(place)).fetchone()
        if row is not None:
            found[place] = row[0]
    return found


def _row(place: Place) -> tuple[str, str]:
    return namespace_text(place[0]), place[1]
