"""The right to write of a run: one process has it at a time, and every write is made under it.

An item of the store (the record of a run, the head of a detached run) names the claim that is
valid. Whoever takes a run over puts a claim of its own there; the store then refuses what the
process before still writes, in the same transaction in which it would be written. That process
learns of it with its next write or heartbeat, and stops.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from typing import Any, NamedTuple

from langgraph.store.base import Item, PutOp

from langgraph_fusion.graph.errors import RunTakenOver

Place = tuple[tuple[str, ...], str]
"""Namespace and key of an item."""
Entry = tuple[str, dict[str, Any]]
"""Key and value of an item."""
CLAIM = "claim"
"""Member of the item's value that names the valid claim."""


class Claim:
    """One process's right to write what belongs to an item."""

    def __init__(self, place: Place, run_id: str, *, begins: bool) -> None:
        """`begins`: the item does not exist yet, and is made by the first write with this claim."""
        self.place = place
        self.run_id = run_id
        self.token = uuid.uuid4().hex
        self.begins = begins
        self.lost = False
        """Whether another process has the right now."""
        self.confirmed_at = boot_time()
        """When the store last said that it is valid, in seconds of `boot_time`."""
        self._on_lost: list[Callable[[], None]] = []

    def check(self) -> None:
        """Raise RunTakenOver if another process has the right."""
        if self.lost:
            raise RunTakenOver(self.run_id)

    def confirm(self, asked_at: float) -> None:
        """Note that the store was asked at this time and said that it is valid."""
        self.begins = False
        self.confirmed_at = max(self.confirmed_at, asked_at)

    def holds(self, valid: Mapping[Place, str | None]) -> bool:
        """Whether it is the valid claim of its item."""
        return valid.get(self.place) == self.token

    def lose(self) -> None:
        """Stop whatever works under this claim."""
        if not self.lost:
            self.lost = True
            for call in self._on_lost:
                call()

    @contextmanager
    def watched(self, on_lost: Callable[[], None]) -> Iterator[None]:
        """Call this when the claim is lost, for the length of the block."""
        self._on_lost.append(on_lost)
        try:
            yield
        finally:
            self._on_lost.remove(on_lost)

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Cancel the block when the claim is lost.

        Raises:
            RunTakenOver: If it is lost, before the block or in it.
        """
        self.check()
        task = asyncio.current_task()
        assert task is not None
        cancelled = False

        def cancel() -> None:
            nonlocal cancelled
            cancelled = True
            task.cancel()

        with self.watched(cancel):
            try:
                yield
            except asyncio.CancelledError:
                if cancelled and task.uncancel() <= 0:
                    raise RunTakenOver(self.run_id) from None
                raise


class Write(NamedTuple):
    """A put, and the claim that it depends on."""

    put: PutOp
    claim: Claim | None = None

    @property
    def place(self) -> Place:
        return self.put.namespace, self.put.key

    @property
    def makes_item(self) -> bool:
        """Whether it makes the item of its claim."""
        return self.claim is not None and self.claim.begins and self.place == self.claim.place


def settle(claims: Iterable[Claim], valid: Mapping[Place, str | None], asked_at: float) -> None:
    """Confirm the claims that the store names as valid, and lose the others.

    `valid` names every item that exists. One that a claim has yet to make is nobody else's: its
    first write may be under way, or have failed with the connection.
    """
    for claim in claims:
        if claim.holds(valid):
            claim.confirm(asked_at)
        elif not claim.begins or claim.place in valid:
            claim.lose()


def silent_s(item: Item, now: float) -> float:
    """How long ago an item was written, with `now` by the store's clock."""
    written = item.updated_at
    if written.tzinfo is None:  # SQLite's are UTC
        written = written.replace(tzinfo=UTC)
    return max(0.0, now - written.timestamp())


def boot_time() -> float:
    """Seconds since the machine started, also those in which it slept, where that is known."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)
