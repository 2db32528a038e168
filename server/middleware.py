"""What every request passes through: request id, key check, size limit, log line.

Web pages of other sites may not use a server that asks for no keys: they could spend the operator's
money by a form-like request that needs no permission (CSRF), or after their name was pointed at
this machine (DNS rebinding). Programs send no `Origin` and are not affected; with keys a foreign
page has none to send.
"""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from langgraph_fusion.server.api_keys import Key
from langgraph_fusion.server.compression import limited_body
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.logging import log_event
from langgraph_fusion.server.state import ServerState

REQUEST_ID = "x-request-id"
OPEN_TO_ALL = frozenset({"/", "/healthz", "/readyz", "/openapi.json", "/docs"})
"""Paths that ask for no key: probes, the page at the root, and the description of the API."""


class RequestMiddleware:
    """Plain ASGI: Starlette's `BaseHTTPMiddleware` would hide disconnects from the endpoints."""

    def __init__(self, app: ASGIApp, state: ServerState) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(send, with_body=scope["method"] != "HEAD")
        try:
            headers = Headers(scope=scope)
            self._refuse_foreign_page(headers)
            key = await self._key(scope["path"], headers)
            scope.setdefault("state", {}).update(request_id=exchange.request_id, key=key)
            body = limited_body(scope, receive, self._state.config.max_body_bytes)
            await self._app(_as_get(scope), body, exchange.send)
        except ApiError as error:
            refusal = JSONResponse(error.body, error.status, error.headers)
            await refusal(scope, receive, exchange.send)
        finally:
            self._log(scope, exchange)

    def _refuse_foreign_page(self, headers: Headers) -> None:
        """Return, unless a page of another site sent the request.

        Raises:
            ApiError: 403.
        """
        origin = headers.get("origin")
        if origin is None or self._state.keys is not None:
            return
        if origin in self._state.config.cors_origins:
            return
        if not _is_own(origin, headers.get("host", "")):
            raise ApiError(
                403,
                "this server asks for no keys and so serves no web pages but those of its own "
                "machine; start it with `fusion serve --keys FILE`",
                code="foreign_origin",
            )

    async def _key(self, path: str, headers: Headers) -> Key | None:
        """The client's key; None where none is asked for.

        Raises:
            ApiError: 401.
        """
        if self._state.keys is None or path in OPEN_TO_ALL:
            return None
        token = _token(headers)
        if not token:
            raise _unauthorized(
                "send an API key of this server: `Authorization: Bearer …`, or `x-api-key: …`"
            )
        key = await asyncio.to_thread(self._state.keys.find, token)
        if key is None:
            raise _unauthorized("this server does not know that API key")
        return key

    def _log(self, scope: Scope, exchange: "_Exchange") -> None:
        route = getattr(scope.get("route"), "path", "other")
        self._state.metrics.requests.labels(route, str(exchange.status)).inc()
        log_event(
            "request",
            request_id=exchange.request_id,
            method=scope["method"],
            path=scope["path"],
            status=exchange.status,
            ms=round(1000 * (time.monotonic() - exchange.started)),
        )


@dataclass
class _Exchange:
    """A request and its response: gives the response its id and remembers its status."""

    _send: Send
    with_body: bool = True
    """False for HEAD."""
    request_id: str = field(default_factory=lambda: f"req_{uuid.uuid4().hex}")
    status: int = 499
    """What nginx logs when a client goes before there is a response."""
    started: float = field(default_factory=time.monotonic)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            header = (REQUEST_ID.encode(), self.request_id.encode())
            message["headers"] = [*message["headers"], header]
        if message["type"] == "http.response.body" and not self.with_body:
            message = {**message, "body": b""}
        await self._send(message)


def _as_get(scope: Scope) -> Scope:
    """A HEAD request is answered as GET, without the body."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope


def _token(headers: Headers) -> str:
    """The key that the client sent, in OpenAI's header or in Anthropic's."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key", "").strip()


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key")


def _is_own(origin: str, host_header: str) -> bool:
    """Whether the page is on loopback, or at the IP address that the request itself is sent to."""
    try:
        host = urlsplit(origin).hostname or ""
        same = host == urlsplit(f"//{host_header}").hostname
        return host == "localhost" or ip_address(host).is_loopback or same
    except ValueError:  # a name
        return False
