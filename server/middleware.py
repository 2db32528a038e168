"""What every request passes through, in this order: request id, web pages of other sites, key,
size limit, log line. Nothing of a body is read before host, origin and key are known to be good.
"""

import time
import uuid
from dataclasses import dataclass, field
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from langgraph_fusion.server.compression import limited_body
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.foreign_pages import ForeignPages
from langgraph_fusion.server.keys.key import Key
from langgraph_fusion.server.load import ALWAYS_ANSWERED, Load, RequestLoad
from langgraph_fusion.server.logging import log_event
from langgraph_fusion.server.pages.session import key_in_cookie
from langgraph_fusion.server.state import ServerState

REQUEST_ID = "x-request-id"
OPEN_TO_ALL = frozenset(
    {
        "/", "/session", "/session/end", "/static/page.css", "/static/page.js", "/healthz",
        "/readyz", "/openapi.json", "/docs",
    }
)  # fmt: skip
"""Paths that ask for no key: probes, the page where one signs in, and the description of the API.

Of all others, those of routes that nobody thought of included, a client's key opens every one but
`METRICS`, and a metrics key opens that one alone.
"""
METRICS = "/metrics"
SMALLER = {"/session": 2**14}
"""Bytes of a body: a form is small."""
HOME, RUN_PAGES = "/", "/runs/"
"""Pages that show whoever has no key where to sign in."""


class RequestMiddleware:
    """Plain ASGI: Starlette's `BaseHTTPMiddleware` would hide disconnects from the endpoints."""

    def __init__(self, app: ASGIApp, state: ServerState) -> None:
        self._app = app
        self._state = state
        config = state.config
        self._foreign_pages = ForeignPages(config.allowed_hosts, config.cors_origins)
        self._load = Load(config.max_connections, config.max_bodies_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(send, with_body=scope["method"] != "HEAD")
        try:
            with self._load.request(scope["path"]) as load:
                await self._answer(scope, receive, exchange, load)
        except ApiError as error:
            refusal = JSONResponse(error.body, error.status, error.headers)
            await refusal(scope, receive, exchange.send)
        finally:
            self._log(scope, exchange)

    async def _answer(
        self, scope: Scope, receive: Receive, exchange: "_Exchange", load: RequestLoad
    ) -> None:
        headers, config = Headers(scope=scope), self._state.config
        key = await self._key(scope, headers)
        if not scope["path"].isprintable():  # a route's pattern ends before a last line break
            raise ApiError(404, "there is no such path", code="not_found")
        load.client = key.id if key else None
        scope.setdefault("state", {}).update(request_id=exchange.request_id, key=key)
        if scope["path"] not in ALWAYS_ANSWERED:
            await self._state.manager.turns.turn()
        limit, within_s = _body_limit(scope["path"], config.max_body_bytes), config.body_s
        body = limited_body(scope, receive, limit=limit, within_s=within_s, load=load)
        await self._app(_as_get(scope), body, exchange.send)

    async def _key(self, scope: Scope, headers: Headers) -> Key | None:
        """The client's key; None where none is asked for.

        Raises:
            ApiError: 401 or 403.
        """
        path = scope["path"]
        if self._state.keys is None:
            self._foreign_pages.refuse(headers)
            if path == METRICS and not _is_of_this_machine(scope):
                raise _forbidden("without keys they are for this machine alone")
            return None
        if path in OPEN_TO_ALL and path != HOME:
            return None
        cookie = key_in_cookie(scope["method"], headers)
        if path == HOME or path.startswith(RUN_PAGES):
            return await self._key_of_reader(cookie)
        token = _token(headers) or cookie
        if not token:
            raise _unauthorized(
                "send an API key of this server: `Authorization: Bearer …`, or `x-api-key: …`"
            )
        key = await self._state.keys.find(token)
        if key is None:
            raise _unauthorized("this server does not know that API key")
        if key.for_metrics != (path == METRICS):
            raise _forbidden("make a key for them with `fusion keys add NAME --metrics`")
        return key

    async def _key_of_reader(self, token: str) -> Key | None:
        """The key of whoever opens a page; without one the page asks for it."""
        keys = self._state.keys
        key = await keys.find(token) if keys and token else None
        return None if key is None or key.for_metrics else key

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
    is_stream: bool = False
    """Of server-sent events."""
    status: int = 499
    """What nginx logs when a client goes before there is a response."""
    started: float = field(default_factory=time.monotonic)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            header = (REQUEST_ID.encode(), self.request_id.encode())
            message["headers"] = [*message["headers"], header]
            kind = Headers(raw=message["headers"]).get("content-type", "")
            self.is_stream = kind.startswith("text/event-stream")
        elif self.is_stream:
            message = {**message, "body": _without_line_ends(message.get("body", b""))}
        if message["type"] == "http.response.body" and not self.with_body:
            message = {**message, "body": b""}
        await self._send(message)


_LINE_ENDS = {"\x85": b"\\u0085", "\u2028": b"\\u2028", "\u2029": b"\\u2029"}
"""Ends of a line for many clients, though not in the specification of server-sent events."""


def _without_line_ends(events: bytes) -> bytes:
    """The events, all of JSON, with escapes in it where a text could begin a line of its own."""
    for end, escape in _LINE_ENDS.items():
        events = events.replace(end.encode(), escape)
    return events


def _body_limit(path: str, most: int) -> int:
    """How many bytes a body may have: fewer where it is parsed in the event loop."""
    return min(most, next((size for at, size in SMALLER.items() if path.startswith(at)), most))


def _as_get(scope: Scope) -> Scope:
    """A HEAD request is answered as GET, without the body."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope


def _token(headers: Headers) -> str:
    """The key that the client sent, in OpenAI's header or in Anthropic's.

    Raises:
        ApiError: 401, if a header comes twice: a proxy may have looked at the other one.
    """
    for name in ("authorization", "x-api-key"):
        if len(set(headers.getlist(name))) > 1:
            raise _unauthorized(f"send `{name}` once")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key", "").strip()


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key")


def _forbidden(way_out: str) -> ApiError:
    said = "metrics of the whole server are the operator's, and all else is its clients'"
    return ApiError(403, f"{said}; {way_out}", code="operators_only")


def _is_of_this_machine(scope: Scope) -> bool:
    client = scope.get("client")
    if client is None:  # a Unix socket
        return True
    try:
        return ip_address(client[0]).is_loopback
    except ValueError:
        return False
