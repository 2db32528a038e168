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
from langgraph_fusion.models.json_text import strict_json

if TYPE_CHECKING:
    import httpx2

_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_MAX_BODY = 64 * 1024 * 1024
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


async def values_of(response: httpx2.Response) -> AsyncGenerator[Any]:
    """Yield the JSON values of a response, and `DONE` if the server brought it to an end.

    Keep-alives and empty events are left out; for any other event that has no JSON object or list
    in it comes `LOST`.

    Raises:
        BadResponse: If the answer is neither JSON nor a stream, or larger than 64 MiB.
    """
    pieces = _bounded(response.aiter_bytes())
    async with aclosing(pieces):
        head = await _beginning(pieces)
        if head.startswith((b"{", b"[")):
            rest = [head, *[piece async for piece in pieces]]
            for value in _whole(b"".join(rest)):
                yield value
            yield DONE
            return
        if not head.startswith(_FIELDS):
            raise BadResponse(_no_completion(response, head))
        async for event in _events(head, pieces):
            if event.data.lstrip(b'"').startswith(b"[DONE]"):
                await _drained(pieces)
                yield DONE
                return
            for value in _of_event(event):
                yield value


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


async def _events(head: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[_Event]:
    name, data = b"", list[bytes]()
    async for line in _lines(head, pieces):
        if not line:
            if data:
                yield _Event(name.decode(errors="replace"), b"\n".join(data).strip())
            name, data = b"", []
            continue
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.strip()
    if data:  # the last event may lack its empty line
        yield _Event(name.decode(errors="replace"), b"\n".join(data).strip())


async def _lines(head: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    begun = [b""]
    piece: bytes | None = head
    while piece is not None:
        first, *others = piece.split(b"\n")
        begun.append(first)
        for other in others:
            for line in _without_returns(b"".join(begun)):
                yield line
            begun = [other]
        piece = await anext(pieces, None)
    for line in _without_returns(b"".join(begun)):
        yield line


def _without_returns(line: bytes) -> list[bytes]:
    return line.removesuffix(b"\r").split(b"\r")


def _of_event(event: _Event) -> Iterator[Any]:
    if not event.data.startswith((b"{", b"[")):
        if event.data and not _is_keep_alive(event):
            yield LOST
        return
    for value in _whole(event.data):
        if event.name == "error" and isinstance(value, dict) and not value.get("error"):
            yield {"error": value}
        else:
            yield value


def _is_keep_alive(event: _Event) -> bool:
    return any(_KEEP_ALIVE.fullmatch(said) for said in (event.name.encode(), event.data[:80]))


def _whole(data: bytes) -> list[Any]:
    """The value of a JSON text, or the values of its lines."""
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
