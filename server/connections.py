"""Connections that cost their client next to nothing must not cost this server its files.

uvicorn closes a connection that is idle between two requests, and no other. Here the head of a
request has to come within a time and a size, a client that reads nothing of a reply is cut off, and
when there are too many connections the one that has been silent longest makes room for the next.
How many requests may be under way is decided by the middleware, which lets `/healthz` through.

Not covered: clients that send and read slowly but steadily, up to the limit of connections.
"""

import time
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from langgraph_fusion.server.logging import log_event

MAX_HEAD = 65_536
"""Bytes of a head; as h11's limit in uvicorn."""
_FRAMING_OF_BYTE = 16
"""Bytes of a chunk around one byte of the body; trailers beyond that are as limited as a head."""
_MOST_SPARE = -(2**20)
_NEW_S = 1.0
"""A connection is not called silent before; half as many again as the limit may be so new."""
_TELL_EVERY_S = 10.0
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class _ClosedForRoom:
    """Tells the log of closed connections, with one line for many."""

    def __init__(self) -> None:
        self._told_at = -_TELL_EVERY_S
        self._closed = 0

    def count(self, open: int) -> None:
        self._closed += 1
        now = time.monotonic()
        if now - self._told_at >= _TELL_EVERY_S:
            log_event("connections.full", open=open, closed=self._closed)
            self._told_at, self._closed = now, 0


_closed_for_room = _ClosedForRoom()


class LimitedConnection(HttpToolsProtocol):
    """uvicorn's protocol, for which `limit_concurrency` is the number of connections kept open."""

    head_s = 15.0
    """For the head of a request, from the opening of the connection or the head's first byte."""
    unread_s = 60.0
    """A connection whose client takes nothing of what is sent for so long is cut off."""
    look_s = 2.5
    """Between two looks at a connection."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._in_head = True
        self._head_bytes = 0
        self._framing = 0
        """Bytes since the head that are none of the body: sizes of chunks, trailers."""
        self._quiet_since = time.monotonic()
        self._unsent = 0
        self._unread_since = 0.0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._look = self.loop.call_later(self.look_s, self._look_at_it)
        if self._most is not None and len(self.connections) > self._most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # Counted first: a callback sets to nothing what belongs to the message before, of which the
        # same data may hold the end.
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._framing += len(data)
        super().data_received(data)
        too_much = self._head_bytes > MAX_HEAD or self._framing > MAX_HEAD
        if too_much and not self.transport.is_closing():
            if self.cycle is None or not self.cycle.response_started or not self.busy:
                self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        if not self.busy:
            self._quiet_since = time.monotonic()

    def on_body(self, body: bytes) -> None:
        self._framing = max(_MOST_SPARE, self._framing - _FRAMING_OF_BYTE * len(body))
        super().on_body(body)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = self._framing = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._framing = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._quiet_since = time.monotonic()
        super().on_response_complete()

    def resume_writing(self) -> None:
        self._unsent = 0
        super().resume_writing()

    @property
    def busy(self) -> bool:
        """Whether a request is under way: its head has come and its reply has not gone."""
        return self.cycle is not None and not self.cycle.response_complete

    def _look_at_it(self) -> None:
        self._look = self.loop.call_later(self.look_s, self._look_at_it)
        now = time.monotonic()
        if self._is_unread(now):
            self.transport.abort()
        elif not self.busy and not self._unsent:
            limit = self.head_s if self._in_head else self.timeout_keep_alive
            if now - self._quiet_since > limit:
                self.transport.abort()

    def _is_unread(self, now: float) -> bool:
        """Whether nothing of what waits to be sent has gone for too long."""
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        if not before or self._unsent < before:
            self._unread_since = now
        return self._unsent > 0 and now - self._unread_since > self.unread_s

    def _make_room(self) -> None:
        """Close the connection that has been silent longest; without one the new one stays."""
        others = (one for one in self.connections if isinstance(one, LimitedConnection))
        silent = [one for one in others if one is not self and not one.busy]
        if not silent or self._most is None:
            return
        longest = min(silent, key=lambda one: one._quiet_since)
        is_new = time.monotonic() - longest._quiet_since < _NEW_S
        if is_new and len(self.connections) <= self._most * 3 // 2:
            return  # many clients at once: they are told that the server is full
        longest.transport.abort()
        _closed_for_room.count(len(self.connections))


def fitting_connections(wanted: int) -> int:
    """Return how many connections this process has files for, at most `wanted`.

    The limit of open files is raised as far as this user may; half of it is left to the runs.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft // 2))
