"""The events of a run that outlives its connections: numbered, stored, and told to who follows.

In the process that works on the run they come from memory, as soon as they happen; in any other
from the store, a few times a second. A frame is made once, however many follow.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from itertools import islice
from typing import Any

from langgraph_fusion.graph.journal.detached_runs import DetachedRuns, Head, StoredEvent
from langgraph_fusion.graph.journal.stores.claim import Claim
from langgraph_fusion.models.text import clean_json

_MEMORY = 4 * 2**20
"""Bytes of the latest frames that are kept in memory; older ones come from the store."""
_GATHER_S = 0.01
"""Events that follow each other within so many seconds are sent to a follower together."""
_LOOK_S = 0.25
"""How often a process looks for events of a run that another one works on."""

_INTERRUPTED = b"event: run.interrupted\n"
LAST = 10**9 - 1
"""The highest number that an event can have."""

Frames = AsyncGenerator[bytes, None]


class EventLog:
    """The events of one run in the process that works on it. For one event loop."""

    def __init__(self, id: str, store: DetachedRuns, claim: Claim, last: int = 0) -> None:
        """Events are stored while the `claim` on the run's head is valid.

        `last` is the number of the last event of an earlier process.
        """
        self._claim = claim
        self.last = last
        self._id = id
        self._store = store
        self._frames: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = asyncio.Event()

    def append(self, kind: str, text: str) -> None:
        """Number an event with this `event_text`, begin to store it, and wake whoever follows."""
        self.last += 1
        event = StoredEvent(self.last, kind, text)
        self._store.append(self._id, event, self._claim)
        made = frame_of(event)
        self._frames.append((self.last, made))
        self._bytes += len(made)
        while self._bytes > _MEMORY and len(self._frames) > 1:
            self._bytes -= len(self._frames.popleft()[1])
        self._wake()

    def close(self) -> None:
        """Say that no further event comes."""
        self._closed = True
        self._wake()

    async def frames(self, after: int) -> Frames:
        """Yield every event after this number, then those to come, until the log is closed."""
        while True:
            changed = self._changed
            if self._frames and after < self._frames[0][0] - 1:
                async for at, made in _stored(self._id, self._store, after, self._frames[0][0]):
                    after = at
                    yield made
            if after < self.last:
                fresh = islice(self._frames, after + 1 - self._frames[0][0], None)
                made, after = b"".join(one for _, one in fresh), self.last
                yield made
            if self._closed and after >= self.last:
                return
            if changed is self._changed:
                await changed.wait()
                await asyncio.sleep(_GATHER_S)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


async def stored_frames(
    id: str, store: DetachedRuns, after: int, end_of: Callable[[], Awaitable[Head | None]]
) -> Frames:
    """Yield the events of a run that another process works on, until it has ended.

    `end_of` gives the run's head once it has. A process that died could not say that it is over:
    then it is said here.
    """
    end: Head | None = None
    last = b""
    while True:
        before = after
        async for at, made in _stored(id, store, after, end.last_event + 1 if end else None):
            after, last = at, made
            yield made
        if after > before:
            continue
        if end is not None:  # and after that was known there was nothing more
            if end.response is None and end.now == "interrupted" and _INTERRUPTED not in last:
                yield _INTERRUPTED + b'data: {"type": "run.interrupted"}\n\n'
            return
        end = await end_of()
        if end is None:
            await asyncio.sleep(_LOOK_S)


async def last_number(id: str, store: DetachedRuns, known: int = 0) -> int:
    """The number of the last event in the store, at least the one that is known."""
    while found := await store.events(id, known):
        known = found[-1].number
    return known


async def _stored(
    id: str, store: DetachedRuns, after: int, before: int | None = None
) -> AsyncGenerator[tuple[int, bytes], None]:
    """What the store has after one number and before another; what is lost is said."""
    while found := await store.events(id, after):
        for event in found:
            if before is not None and event.number >= before:
                break
            if event.number > after + 1:
                yield event.number - 1, gap_frame(after, event.number)
            after = event.number
            yield after, frame_of(event)
        else:
            continue
        break
    if before is not None and after + 1 < before:
        yield before - 1, gap_frame(after, before)


def event_text(data: Mapping[str, Any]) -> str:
    """The content of an event as JSON that is safe in a stream and on a terminal."""
    return clean_json(json.dumps(data, ensure_ascii=False))


def event_number(text: str, otherwise: int) -> int:
    """The number in a `Last-Event-ID`; whatever is none of ours is as if it were not sent."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else otherwise


def frame_of(event: StoredEvent) -> bytes:
    """One event on the wire."""
    return f"id: {event.number}\nevent: {event.kind}\ndata: {event.data}\n\n".encode()


def gap_frame(after: int, following: int) -> bytes:
    """Say that the events between these two numbers cannot be replayed."""
    data = json.dumps({"type": "gap", "after": after, "next": following})
    return f"id: {following - 1}\nevent: gap\ndata: {data}\n\n".encode()
