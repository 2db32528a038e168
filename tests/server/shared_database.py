"""Fixtures: a database of its own in PostgreSQL, and keys at both kinds of places."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.postgres_server import postgres

__all__ = ["Shared", "place", "postgres", "shared"]
_numbers = itertools.count()


class Shared:
    """A database that tests can take away, and give back."""

    def __init__(self, admin: str) -> None:
        self._admin = admin
        self._name = f"keys{next(_numbers)}"
        self._do(f"create database {self._name}")
        self.url = admin.replace("/postgres?", f"/{self._name}?")

    @contextmanager
    def gone(self) -> Iterator[None]:
        """No connection is left, and none can be made."""
        self._do(f"alter database {self._name} with allow_connections false")
        self._do(f"select pg_terminate_backend(pid) from pg_stat_activity "
                 f"where datname = '{self._name}'")  # fmt: skip
        try:
            yield
        finally:
            self._do(f"alter database {self._name} with allow_connections true")

    def do(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _do(self, statement: str) -> None:
        with psycopg.connect(self._admin, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def shared(postgres: str) -> Shared:
    return Shared(postgres)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("shared").url)
    return str(tmp_path / "keys.db")
