"""What every request passes, whichever door it goes to: an id, a key, a size limit, a log line."""

import asyncio
import time
import uuid
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from langgraph_fusion.server.api_keys import Key
from langgraph_fusion.server.errors import ApiError, TooLarge
from langgraph_fusion.server.logging import log_event
from langgraph_fusion.server.state import ServerState

REQUEST_ID = "x-request-id"
OPEN_TO_ALL = frozenset({"/healthz", "/readyz", "/openapi.json", "/docs"})
"""Paths that ask for no key: probes, and the description of the API."""


class Gate:
    """Plain ASGI: Starlette's `BaseHTTPMiddleware` would hide disconnects from the doors."""

    def __init__(self, app: ASGIApp, service: ServerState) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        passing = _Passing(f"req_{uuid.uuid4().hex}", scope, send)
        limit = self._service.config.max_body_bytes
        try:
            key = await self._key(scope)
            scope.setdefault("state", {}).update(request_id=passing.request_id, key=key)
            await self._app(scope, _limited(receive, limit), passing.send)
        except ApiError as error:
            refusal = JSONResponse(error.body, error.status, error.headers)
            await refusal(scope, receive, passing.send)
        finally:
            self._note(scope, passing)

    async def _key(self, scope: Scope) -> Key | None:
        """The client's key; None where none is asked for.

        Raises:
            ApiError: 401.
        """
        if self._service.keys is None or scope["path"] in OPEN_TO_ALL:
            return None
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unknown("send an API key of this server: `Authorization: Bearer …`")
        key = await asyncio.to_thread(self._service.keys.find, token.strip())
        if key is None:
            raise _unknown("this server does not know that API key")
        return key

    def _note(self, scope: Scope, passing: "_Passing") -> None:
        route = getattr(scope.get("route"), "path", "other")
        self._service.metrics.requests.labels(route, str(passing.status)).inc()
        log_event(
            "request",
            request_id=passing.request_id,
            method=scope["method"],
            path=scope["path"],
            status=passing.status,
            ms=round(1000 * (time.monotonic() - passing.began)),
        )


@dataclass
class _Passing:
    """A request on its way: gives the response its id and remembers its status."""

    request_id: str
    scope: Scope
    _send: Send
    status: int = 499
    """What nginx logs when a client goes before there is a response."""
    began: float = 0.0

    def __post_init__(self) -> None:
        self.began = time.monotonic()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            header = (REQUEST_ID.encode(), self.request_id.encode())
            message["headers"] = [*message["headers"], header]
        await self._send(message)


def _unknown(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key")


def _limited(receive: Receive, limit: int) -> Receive:
    read = 0

    async def receive_within_limit() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise TooLarge(limit)
        return message

    return receive_within_limit
