"""The HTTP client of all model calls: one aiohttp session per event loop.

A session belongs to the event loop it was first used in. `shared_client()` can be handed to models
that outlive a loop: each request goes through the session of the loop it is made in. That session
is closed when its loop shuts down its asynchronous generators, as `asyncio.run` does, or earlier by
`close_http_client()`.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import aiohttp
from yarl import URL

from langgraph_fusion.models.depth import DEPTH, depth
from langgraph_fusion.models.errors import StatusError
from langgraph_fusion.models.proxies import proxy_for
from langgraph_fusion.models.tls import tls_context

CONNECT_TIMEOUT_S = 10.0
MAX_HEADER = 64 * 1024
"""Bytes of one header of a reply that are read; aiohttp's own limit is 8 KB."""
MAX_HEADERS = 512
_MAX_CONNECTIONS = 1000
_KEEP_ALIVE_S = 5.0
"""Seconds for which an idle connection is kept; many servers close theirs soon after."""
_MAX_ERROR = 1024 * 1024
"""Bytes of an error's body that are read."""
_AT_ONCE = 1 << 19
"""Bytes of a request that are sent in one piece; aiohttp warns above a mebibyte."""
_READ = 16 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S)


@dataclass(frozen=True)
class Endpoint:
    """An address of a provider, and what is sent to it with every request."""

    url: str
    headers: Mapping[str, str] = field(repr=False, hash=False)
    """The key is among them."""


class Response:
    """A response of which the body is not read yet. Close it, read or not."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes, decompressed."""
        async for piece in self._response.content.iter_chunked(_READ):
            yield piece

    async def aclose(self) -> None:
        """Give the connection back, if all was read; else close it."""
        self._response.release()
        await self._response.wait_for_close()


class LoopClient:
    """Sends requests from any event loop."""

    def __init__(self) -> None:
        self._of_loop: dict[asyncio.AbstractEventLoop, AsyncGenerator[aiohttp.ClientSession]] = {}
        self._clients: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    async def post(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Response:
        """Send JSON through the running loop's session.

        Raises:
            StatusError: If the server refuses or fails.
            aiohttp.ClientError: If it cannot be reached.
        """
        session = await self._client()
        url = URL(endpoint.url)
        response = await session.post(
            url,
            data=_in_pieces(_encoded(body)),
            headers={**endpoint.headers, DEPTH: str(depth.get() + 1)},
            ssl=tls_context() if url.scheme == "https" else True,
            proxy=proxy_for(url),
        )
        if response.status >= 400:
            async with response:
                raise await _refusal(response)
        return Response(response)

    async def open_current(self) -> None:
        """Make the session of the running loop ahead of the first request."""
        await self._client()
        tls_context()

    async def close_current(self) -> None:
        """Close the session of the running loop, if it has one."""
        if owner := self._of_loop.get(asyncio.get_running_loop()):
            await owner.aclose()

    async def _client(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._forget_closed_loops()
            owner = self._own(loop)
            self._of_loop[loop] = owner
            self._clients[loop] = await anext(owner)
        return self._clients[loop]

    async def _own(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[aiohttp.ClientSession]:
        session = _new_session()
        try:
            yield session
        finally:
            self._of_loop.pop(loop, None)
            self._clients.pop(loop, None)
            await session.close()

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in list(self._clients) if loop.is_closed()]:
            self._clients.pop(loop, None)
            self._of_loop.pop(loop, None)


def _new_session() -> aiohttp.ClientSession:
    """A session that also reads the long headers of gateways."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=_TIMEOUT,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
        max_headers=MAX_HEADERS,
    )


def _in_pieces(body: bytes) -> bytes | io.BytesIO:
    """A body with images in pieces: sent at once, a large one would hold up the event loop."""
    return body if len(body) <= _AT_ONCE else io.BytesIO(body)


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


async def _refusal(response: aiohttp.ClientResponse) -> StatusError:
    """The error of a response, with what its body says."""
    data = b""
    async for piece in response.content.iter_chunked(_READ):
        data += piece
        if len(data) > _MAX_ERROR:
            break
    said = data[:_MAX_ERROR].decode(errors="replace").strip()
    try:
        body = json.loads(said)
    except (ValueError, RecursionError):
        body = said
    inner = body.get("error", body) if isinstance(body, dict) else body
    return StatusError(response.status, inner, response.headers)


@cache
def shared_client() -> LoopClient:
    """Return the client that all models of this process share."""
    return LoopClient()


async def open_http_client() -> None:
    """Load certificates and make the running loop's session ahead of the first call."""
    await shared_client().open_current()


async def close_http_client() -> None:
    """Close the running loop's connections; the next call opens new ones."""
    await shared_client().close_current()
