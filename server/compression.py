"""Bodies of requests, read within limits of size, time and shape, and unpacked piece by piece."""

import asyncio
import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from langgraph_fusion.server.errors import ApiError, TooLarge
from langgraph_fusion.server.json_shape import JsonShape
from langgraph_fusion.server.load import RequestLoad

_GZIP_OR_ZLIB = 47
"""`wbits` with which zlib tells the two apart by itself."""
_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})


def limited_body(
    scope: Scope, receive: Receive, *, limit: int, within_s: float, load: RequestLoad
) -> Receive:
    """Return a `receive` that gives the body as it was before compression, up to `limit` bytes.

    All of it has to come within so many seconds from now.

    Raises:
        ApiError: 415, for a compression that is not understood.
    """
    coding = Headers(scope=scope).get("content-encoding", "identity").strip().lower()
    if coding in ("identity", ""):
        return _Body(receive, None, limit, within_s, load)
    if coding not in _CODINGS:
        raise ApiError(
            415,
            f"Content-Encoding: {coding!r} is not understood; send gzip, deflate or no compression",
            code="unsupported_encoding",
            param="Content-Encoding",
        )
    headers = MutableHeaders(scope=scope)
    del headers["content-encoding"]
    del headers["content-length"]
    return _Body(receive, zlib.decompressobj(_GZIP_OR_ZLIB), limit, within_s, load)


class _Body:
    """Counts what is read; refuses it before more than the limits allow is in memory."""

    def __init__(
        self,
        receive: Receive,
        unpacker: "zlib._Decompress | None",
        limit: int,
        within_s: float,
        load: RequestLoad,
    ) -> None:
        self._receive = receive
        self._limit = limit
        self._unpacker = unpacker
        self._load = load
        self._read = 0
        self._until = asyncio.get_running_loop().time() + within_s
        self._whole = False
        self._shape = JsonShape()

    async def __call__(self) -> Message:
        message = await self._receive_in_time()
        if message["type"] != "http.request":
            return message
        body = message.get("body", b"")
        if self._unpacker is not None:
            body = self._unpacked(body, last=not message.get("more_body"))
        self._read += len(body)
        if self._read > self._limit:
            raise TooLarge(self._limit)
        self._load.add_to_body(len(body))
        self._shape.add(body)
        return {**message, "body": body}

    async def _receive_in_time(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the body did not come in time; send it faster") from None
        self._whole = not message.get("more_body")
        return message

    def _unpacked(self, data: bytes, *, last: bool) -> bytes:
        assert self._unpacker is not None
        try:
            body = self._unpacker.decompress(data, self._limit - self._read + 1)
        except zlib.error:
            raise _damaged() from None
        if last and not self._unpacker.eof and self._read + len(body) <= self._limit:
            raise _damaged()
        return body


def _damaged() -> HTTPException:
    """An error of the only kind that FastAPI passes on while it reads a body."""
    return HTTPException(400, "body: its compression is damaged or cut off")
