"""The HTTP client of all model calls: one per event loop, on aiohttp.

A client belongs to the event loop it was first used in. `shared_client()` can be handed to models
that outlive a loop: each request goes through the client of the loop it is made in. That client is
closed when its loop shuts down its asynchronous generators, as `asyncio.run` does, or earlier by
`close_http_client()`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import httpx2
from openai import DefaultAioHttpClient

from langgraph_fusion.models.depth import DEPTH, depth

MAX_HEADER = 64 * 1024
"""Bytes of one header of a reply that are read; aiohttp's own limit is 8 KB."""
MAX_HEADERS = 512
_check: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("check", default=None)
_PIECE = 1 << 18
"""Bytes of a request that are sent at once; aiohttp warns of a body above a mebibyte."""


class LoopClient(httpx2.AsyncClient):
    """An HTTP client that may be used from any event loop."""

    def __init__(self) -> None:
        super().__init__(transport=_Nowhere(), trust_env=False)
        self._of_loop: dict[asyncio.AbstractEventLoop, AsyncGenerator[httpx2.AsyncClient]] = {}
        self._clients: dict[asyncio.AbstractEventLoop, httpx2.AsyncClient] = {}

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **kwargs: Any
    ) -> httpx2.Response:
        """Send through the current loop's client."""
        client = await self._client()
        if check := _check.get():
            await check()
        request.headers[DEPTH] = str(depth.get() + 1)
        return await client.send(_in_pieces(request), stream=stream, **kwargs)

    async def open_current(self) -> None:
        """Make the client of the running loop ahead of the first request."""
        await self._client()

    async def close_current(self) -> None:
        """Close the client of the running loop, if it has one."""
        if owner := self._of_loop.get(asyncio.get_running_loop()):
            await owner.aclose()

    async def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._forget_closed_loops()
            owner = self._own(loop)
            self._of_loop[loop] = owner
            self._clients[loop] = await anext(owner)
        return self._clients[loop]

    async def _own(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[httpx2.AsyncClient]:
        client = _new_client()
        try:
            yield client
        finally:
            self._of_loop.pop(loop, None)
            self._clients.pop(loop, None)
            await client.aclose()

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in list(self._clients) if loop.is_closed()]:
            self._clients.pop(loop, None)
            self._of_loop.pop(loop, None)


@contextmanager
def check_before_sending(check: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Await this right before each request of the block is sent; what it raises, the call raises.

    A process that was paused between the decision to call and the call asks once more.
    """
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


class _Pieces(httpx2.AsyncByteStream):
    """A body that is sent piece by piece."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        for start in range(0, len(self._body), _PIECE):
            yield self._body[start : start + _PIECE]


def _in_pieces(request: httpx2.Request) -> httpx2.Request:
    """The request; a large one, with images in it, does not hold up the event loop at once."""
    body = request.content
    if len(body) <= _PIECE:
        return request
    return httpx2.Request(
        request.method,
        request.url,
        headers=request.headers,
        stream=_Pieces(body),
        extensions=request.extensions,
    )


def _new_client() -> httpx2.AsyncClient:
    """A client on aiohttp that also reads the long headers of gateways."""
    client = DefaultAioHttpClient()
    for transport in (client._transport, *client._mounts.values()):
        if transport is not None:
            _widen(transport)
    return client


def _widen(transport: Any) -> None:
    from aiohttp import ClientSession

    narrow = transport.get_client()
    connector = narrow.connector
    narrow.detach()
    transport.client = ClientSession(
        connector=connector,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
        max_headers=MAX_HEADERS,
    )


class _Nowhere(httpx2.AsyncBaseTransport):
    """Spares the outer client a transport of its own, which it never uses."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise httpx2.UnsupportedProtocol("requests go through the client of the running loop")


@cache
def shared_client() -> LoopClient:
    """Return the client that all models of this process share."""
    return LoopClient()


async def open_http_client() -> None:
    """Load certificates and make the running loop's client ahead of the first call."""
    await shared_client().open_current()


async def close_http_client() -> None:
    """Close the running loop's connections; the next call opens new ones."""
    await shared_client().close_current()
