"""Our reading and writing of LangGraph's tables, beside LangGraph's own class."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.base import GetOp, ListNamespacesOp, Op, PutOp, SearchOp
from langgraph.store.sqlite import SqliteStore

from langgraph_fusion.graph.journal.stores.sqlite_tables import make_tables, run, sweep

SPACES = [("runs",), ("runs", "a"), ("runs", "b"), ("RUNS", "a"), ("runsome",)]
PUTS: list[Op] = [
    PutOp(space, key, {"kind": kind, "n": number, "text": "Größe 🐦 \u2028"}, False, ttl)
    for space in SPACES
    for key, kind, number, ttl in [("x", "head", 1, None), ("y.z", "event", 2, 5.0)]
]
ASKED: list[Op] = [
    GetOp(("runs", "a"), "x", False),
    GetOp(("runs", "a"), "missing", False),
    *(SearchOp(space, limit=99, refresh_ttl=False) for space in [(), *SPACES]),
    SearchOp(("runs",), filter={"kind": "head"}, limit=99),
    SearchOp(("runs",), filter={"kind": "head", "n": 2}, limit=99),
    SearchOp(("runs",), filter={"n": 2}, limit=99),
    SearchOp(("runs",), filter={"gone": None}, limit=99),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def ours(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


@pytest.fixture
def theirs(path: Path) -> Iterator[SqliteStore]:
    connection = sqlite3.connect(path, isolation_level=None)
    yield SqliteStore(connection)
    connection.close()


def plain(results: list[Any]) -> list[Any]:
    """What was found, in an order of its own: all was written in the same second."""

    def one(item: Any) -> Any:
        return (item.namespace, item.key, item.value, item.created_at, item.updated_at)

    return [
        sorted(map(one, found), key=repr) if isinstance(found, list) else found and one(found)
        for found in results
    ]


def test_each_reads_what_the_other_has_written(
    ours: sqlite3.Connection, theirs: SqliteStore
) -> None:
    make_tables(ours)
    theirs.setup()  # finds everything made
    run(ours, [put for put in PUTS if put.key == "x"])  # type: ignore[union-attr]
    theirs.batch([put for put in PUTS if put.key != "x"])  # type: ignore[union-attr]
    found = plain(run(ours, ASKED))
    assert found == plain(theirs.batch(ASKED))
    assert [len(one) for one in found[2:8]] == [10, 6, 2, 2, 2, 2]
    removed: list[Op] = [PutOp(("runs", "a"), "x", None), PutOp(("runs", "b"), "x", None)]
    run(ours, removed[:1])
    theirs.batch(removed[1:])
    assert plain(run(ours, ASKED)) == plain(theirs.batch(ASKED))


@pytest.mark.parametrize("version", range(-1, 5))
def test_a_file_of_any_version_is_brought_to_this_one(
    version: int, ours: sqlite3.Connection, theirs: SqliteStore
) -> None:
    class Earlier(SqliteStore):
        MIGRATIONS = SqliteStore.MIGRATIONS[: version + 1]

    Earlier(ours).setup()
    make_tables(ours)
    theirs.setup()
    theirs.batch(PUTS)
    assert plain(run(ours, ASKED)) == plain(theirs.batch(ASKED))
    (last,) = ours.execute("SELECT max(v) FROM store_migrations").fetchone()
    assert last == len(SqliteStore.MIGRATIONS) - 1


def test_reads_see_what_was_there_before_the_puts_beside_them(ours: sqlite3.Connection) -> None:
    make_tables(ours)
    put = PutOp(("runs",), "x", {"n": 1})
    assert run(ours, [put, GetOp(("runs",), "x")]) == [None, None]
    (found,) = run(ours, [GetOp(("runs",), "x")])
    assert found.value == {"n": 1}  # type: ignore[union-attr]


def test_what_has_expired_is_removed(ours: sqlite3.Connection) -> None:
    make_tables(ours)
    run(ours, [PutOp(("runs",), key, {}, False, ttl) for key, ttl in (("a", -1), ("b", 9))])
    assert sweep(ours) == 1
    (left,) = run(ours, [SearchOp(("runs",))])
    assert [item.key for item in left] == ["b"]  # type: ignore[union-attr]


def test_a_batch_that_fails_leaves_nothing(ours: sqlite3.Connection) -> None:
    make_tables(ours)
    with pytest.raises(TypeError):
        run(ours, [PutOp(("runs",), "x", {"n": 1}), PutOp(("runs",), "y", {"n": object()})])
    assert run(ours, [GetOp(("runs",), "x")]) == [None]


@pytest.mark.parametrize(
    "op",
    [ListNamespacesOp(), SearchOp(("runs",), query="like this"), SearchOp((), filter={"a": {}}),
     SearchOp((), filter={"a' OR 1": "x"})],
)  # fmt: skip
def test_what_no_run_asks_for_is_refused(ours: sqlite3.Connection, op: Op) -> None:
    make_tables(ours)
    with pytest.raises((NotImplementedError, ValueError)):
        run(ours, [op])
