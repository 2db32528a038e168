"""A model server's response as JSON values: one of them, or the events of a stream.

The form is recognised by the bytes and not by the content type: gateways name a wrong one, stream
without being asked, or answer a request for a stream with one object.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from langgraph_fusion.models.errors import BadResponse
from langgraph_fusion.models.json_text import strict_json, values_in
from langgraph_fusion.models.loop_share import LARGE, share_loop

if TYPE_CHECKING:
    import httpx2

_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_MAX_BODY = 64 * 1024 * 1024
_MAX_VALUE = 16 * 1024 * 1024
"""Bytes of one event, or of a reply that is not streamed."""
_MAX_VALUES = 300_000
"""Of one event: a parser takes gigabytes for sixteen megabytes of brackets."""
_DRAIN_S = 0.5
"""Seconds for what a server still sends after its last event, so that the connection is kept."""


class Done:
    """Yielded after the last value if the server marked the end."""


DONE: Final = Done()


class Lost:
    """Yielded for an event that has no JSON object or list in it and is no keep-alive."""


LOST: Final = Lost()
_KEEP_ALIVE = re.compile(
    rb"\W*(?:keep[-_ ]?alive|ping|pong|heart[-_ ]?beat|(?:\w+ )?processing)\W*", re.I
)


class _Event(NamedTuple):
    name: str
    data: bytes


async def batches_of(response: httpx2.Response) -> AsyncGenerator[list[Any]]:
    """Yield the JSON values of a response as they come, those of one read together.

    The last is `DONE` if the server brought the response to an end. Keep-alives and empty events
    are left out; for any other event that has no JSON object or list in it comes `LOST`. Between
    two batches others have their turn in the event loop; large texts are parsed in a thread.

    Raises:
        BadResponse: If the answer is neither JSON nor a stream, larger than 64 MiB, or an event of
            it is larger than 16 MiB or has more than 300,000 values.
    """
    pieces = _bounded(response.aiter_bytes())
    async with aclosing(pieces):
        head = await _beginning(pieces)
        if head.startswith((b"{", b"[")):
            yield [*await _of_whole(head, pieces), DONE]
            return
        if not head.startswith(_FIELDS):
            raise BadResponse(_no_completion(response, head))
        async with aclosing(_of_stream(head, pieces)) as batches:
            async for batch in batches:
                yield batch


async def _of_whole(head: bytes, pieces: AsyncGenerator[bytes]) -> list[Any]:
    read, size = [head], len(head)
    async for piece in pieces:
        read.append(piece)
        size += len(piece)
        _check_size(size)
    return await _parsed(b"".join(read))


async def _of_stream(head: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[list[Any]]:
    events = _EventReader()
    piece: bytes | None = head
    while piece is not None:
        batch: list[Any] = []
        try:
            for event in events.feed(piece):
                if _is_done(event):
                    await _drained(pieces)
                    yield [*batch, DONE]
                    return
                batch += await _of_event(event)
        except BadResponse:
            yield batch  # what came before it counts
            raise
        yield batch
        await share_loop()
        piece = await anext(pieces, None)
    for event in events.end():
        yield [DONE] if _is_done(event) else await _of_event(event)


async def _bounded(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > _MAX_BODY:
            raise BadResponse("the server answered more than 64 MiB")
        yield piece


async def _beginning(pieces: AsyncGenerator[bytes]) -> bytes:
    """The first bytes that are not white space, enough to tell the form."""
    head = b""
    async for piece in pieces:
        head = (head + piece).lstrip().removeprefix(_BOM).lstrip()
        if len(head) >= len(b"event:") or head.startswith((b"{", b"[", b":", b"<")):
            break
    return head


class _EventReader:
    """Cuts the bytes of a stream into events, piece by piece."""

    def __init__(self) -> None:
        self._begun = [b""]
        self._begun_size = 0
        self._name = b""
        self._data: list[bytes] = []
        self._data_size = 0

    def feed(self, piece: bytes) -> Iterator[_Event]:
        """Yield the events that end in this piece.

        Raises:
            BadResponse: If one is larger than it may be.
        """
        first, *others = piece.split(b"\n")
        self._begun.append(first)
        self._begun_size += len(first)
        _check_size(self._begun_size + self._data_size)
        for other in others:
            yield from self._take(b"".join(self._begun))
            self._begun, self._begun_size = [other], len(other)

    def end(self) -> Iterator[_Event]:
        """Yield what is left: the last event may lack its empty line."""
        yield from self._take(b"".join(self._begun))
        yield from self._take(b"")

    def _take(self, line: bytes) -> Iterator[_Event]:
        for one in line.removesuffix(b"\r").split(b"\r"):
            if not one:
                if self._data:
                    data = b"\n".join(self._data).strip()
                    yield _Event(self._name.decode(errors="replace"), data)
                self._name, self._data, self._data_size = b"", [], 0
                continue
            field, _, value = one.partition(b":")
            if field == b"data":
                self._data.append(value.removeprefix(b" "))
                self._data_size += len(value)
            elif field == b"event":
                self._name = value.strip()


def _check_size(size: int) -> None:
    if size > _MAX_VALUE:
        raise BadResponse(f"the server answered more than {_MAX_VALUE >> 20} MiB in one piece")


def _is_done(event: _Event) -> bool:
    return event.data.lstrip(b'"').startswith(b"[DONE]")


async def _of_event(event: _Event) -> list[Any]:
    if not event.data.startswith((b"{", b"[")):
        return [LOST] if event.data and not _is_keep_alive(event) else []
    values = await _parsed(event.data)
    if event.name == "error":
        return [_as_error(value) for value in values]
    return values


def _as_error(value: Any) -> Any:
    return {"error": value} if isinstance(value, dict) and not value.get("error") else value


def _is_keep_alive(event: _Event) -> bool:
    return any(_KEEP_ALIVE.fullmatch(said) for said in (event.name.encode(), event.data[:80]))


async def _parsed(data: bytes) -> list[Any]:
    """The value of a JSON text, or the values of its lines."""
    return _whole(data) if len(data) < LARGE else await asyncio.to_thread(_whole, data)


def _whole(data: bytes) -> list[Any]:
    if len(data) >= LARGE and values_in(data) > _MAX_VALUES:
        raise BadResponse(f"the server answered more than {_MAX_VALUES} values in one piece")
    text = data.decode(errors="replace")
    try:
        return [strict_json(text)]
    except ValueError as error:
        lines = [line for line in text.split("\n") if line.strip()]
        with suppress(ValueError):
            if len(lines) > 1:
                return [strict_json(line) for line in lines]
        raise BadResponse(f"the server answered broken JSON: {_shown(data)}") from error


async def _drained(pieces: AsyncGenerator[bytes]) -> None:
    with suppress(Exception):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in pieces:
                pass


def _no_completion(response: httpx2.Response, head: bytes) -> str:
    if not head:
        return "the server answered nothing"
    kind = response.headers.get("content-type", "something without a content type")
    return f"the server answered {kind} instead of a completion: {_shown(head)}"


def _shown(data: bytes) -> str:
    return data[:2000].decode(errors="replace")
