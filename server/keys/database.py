"""What the keys need of a database: it runs one transaction after another.

A transaction is written as a generator of statements, each of which is sent its rows. So the same
transaction runs in a thread over SQLite and in the event loop over PostgreSQL, whole or not at all.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from langgraph_fusion.server.errors import ApiError

T = TypeVar("T")
Row = Mapping[str, Any]
_RETRY_S = 5.0


class Statement(NamedTuple):
    """SQL that both databases understand, with `?` where a value goes."""

    sql: str
    given: tuple[Any, ...] = ()


Steps = Generator[Statement, Sequence[Row], T]


@dataclass(frozen=True)
class Dialect:
    """Where the two databases differ."""

    clock: str
    """Selects `now`, seconds of the epoch by the clock that all who share the database share, and
    `today`, when the day began (UTC)."""
    lock_key: str
    """Selects a key by id; until the end of the transaction no other changes its charges."""
    lock_all: str
    """Until the end of the transaction no other gives places to runs."""


class Database(Protocol):
    """Keys and charges in one place."""

    @property
    def dialect(self) -> Dialect: ...

    def open(self, *, patient: bool = False) -> AbstractAsyncContextManager[None]:
        """Open it for the length of the block; make its tables, or bring them up to date.

        Raises:
            ConfigError: If it cannot be used; with `patient` only if that will not change.
        """

    async def run(self, steps: Steps[T], *, read_only: bool = False) -> T:
        """Run one transaction.

        Raises:
            KeysUnavailable: If the database does not answer.
        """


class KeysUnavailable(ApiError):
    """The database of the keys does not answer: nobody can be let in, nothing can be charged."""

    def __init__(self, why: str) -> None:
        super().__init__(
            503,
            "the keys of this server cannot be looked up at the moment; try again",
            code="keys_unavailable",
            retry_after_s=_RETRY_S,
        )
        self.why = why
        """For the operator."""
