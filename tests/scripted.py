"""An OpenAI-compatible model server on a real socket, scripted by a function of the request.

    def script(seen: Seen) -> Reply:
        if seen.wants_json:
            return structured({"consensus": []})
        if seen.tool_names and not seen.tool_results:
            return tool_calls([("web_search", {"query": "x"})])
        return text("The answer is 42 [A1].")

    async with scripted_server(script) as server:
        ...  # point a client at server.base_url
    assert server.requests[0].model == "vendor/one"
    assert server.usage().cost == bill.cost_usd

The script may be async, and every reply can be `.after(seconds)` and the last on
its connection, `.and_close()`. The replies:

- `text(...)`, `tool_calls([...])`, `structured(obj)`: a message. `usage=` overrides fields of the
  derived usage block or, as None, leaves the block out; `cost=` likewise. Without it a cost is sent
  only to a client that asks as OpenRouter's do (`"usage": {"include": true}`).
- `status(429, headers={"Retry-After": "2"})`, `garbage("<html>…")`: no message at all.
- `broken_stream(text, after_chunks=2)`: the connection drops in the middle.
- `upstream_error()`: a failure after HTTP 200, in one of three shapes.
- `keep_alive_only()`, `hang()`: a server that never gets to the point.
- `in_turn(first, second, last)` is a script: one reply per request, the last one for all others.

A script that raises answers HTTP 500, and the exception leaves the `async with` block.
"""

import asyncio
import inspect
import json
import secrets
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from aiohttp import web

from tests.scripted_replies import (
    Auto,
    Call,
    Completion,
    Hang,
    Json,
    KeepAlive,
    Raw,
    StreamError,
)
from tests.scripted_replies import Reply as Reply  # scripts name it in their signature

_CLOSES = web.RequestKey("closes", bool)
Script = Callable[["Seen"], Reply | Awaitable[Reply]]


@dataclass(frozen=True)
class Seen:
    """A request as it came in."""

    number: int
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Json
    at: float
    """`time.monotonic()` on arrival."""

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def messages(self) -> list[Json]:
        return list(self.body.get("messages", []))

    @property
    def text(self) -> str:
        """The text of all messages, joined by newlines."""
        return "\n".join(_text(message) for message in self.messages)

    @property
    def last(self) -> str:
        """The text of the last message."""
        return _text(self.messages[-1]) if self.messages else ""

    @property
    def system(self) -> str:
        """The text of the system messages."""
        return "\n".join(_text(m) for m in self.messages if m.get("role") == "system")

    @property
    def tool_names(self) -> list[str]:
        """The tools that may be called."""
        offered = [] if self.body.get("tool_choice") == "none" else self.body.get("tools", [])
        return [tool["function"]["name"] for tool in offered]

    @property
    def images(self) -> list[str]:
        """The addresses of all images, data URLs as a rule."""
        parts = [part for message in self.messages for part in _parts(message)]
        return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]

    @property
    def tool_results(self) -> list[str]:
        return [_text(m) for m in self.messages if m.get("role") == "tool"]

    @property
    def wants_json(self) -> bool:
        return "response_format" in self.body

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))


class Billed(NamedTuple):
    """The sum of all usage blocks that were sent."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost: float


@dataclass
class ScriptedServer:
    script: Script
    models: Sequence[str | Json]
    """Names, or whole entries of its list of models."""
    base_url: str = ""
    slots: int | None = 64
    """Calls it works on at a time, as llama.cpp states it; None: it does not say."""
    requests: list[Seen] = field(default_factory=list)
    abandoned: list[Seen] = field(default_factory=list)
    """Requests whose client went before the reply was complete."""
    in_flight: int = 0
    _bills: list[tuple[Seen, Json]] = field(default_factory=list)
    _errors: list[Exception] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    _own: str = field(default_factory=lambda: secrets.token_hex(4))

    async def also_at(self, listening: socket.socket) -> web.SockSite:
        """Serve there as well, until the site is stopped."""
        assert self._runner is not None
        site = web.SockSite(self._runner, listening)
        await site.start()
        return site

    @property
    def open_connections(self) -> int:
        """TCP connections of clients, idle ones in their pools included."""
        server = self._runner.server if self._runner else None
        return len(server.connections) if server else 0

    def usage(self, of: Callable[[Seen], bool] = lambda seen: True) -> Billed:
        """Return the totals of what was billed, or of what was billed for some requests."""
        total: Counter[str] = Counter()
        bills = [bill for seen, bill in self._bills if of(seen)]
        for bill in bills:
            total.update({key: bill[key] for key in ("prompt_tokens", "completion_tokens")})
            total.update(bill.get("prompt_tokens_details") or {})
            total.update(bill.get("completion_tokens_details") or {})
        return Billed(
            calls=len(bills),
            prompt_tokens=total["prompt_tokens"],
            completion_tokens=total["completion_tokens"],
            cached_tokens=total["cached_tokens"],
            reasoning_tokens=total["reasoning_tokens"],
            cost=sum(bill.get("cost") or 0.0 for bill in bills),
        )

    def seen_by(self, model: str) -> list[Seen]:
        """Return the requests for one model, oldest first."""
        return [seen for seen in self.requests if seen.model == model]

    def forget(self) -> None:
        """Hold nothing any more of the requests that came and of what was billed for them."""
        self.requests.clear()
        self.abandoned.clear()
        self._bills.clear()

    def url_at(self, port: int) -> str:
        """The base URL at a port.

        Its path is this server's own: ports are used again, and what another test's process still
        wants from whoever had this one before is not for us.
        """
        return f"http://127.0.0.1:{port}/{self._own}/v1"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if not request.path.startswith(f"/{self._own}/"):
            return web.json_response({"error": {"message": "not this server"}}, status=404)
        if request.path == f"/{self._own}/props" and self.slots:
            return web.json_response({"total_slots": self.slots})
        seen = await self._record(request)
        if seen.path == "/v1/models":
            entries = [{"id": one} if isinstance(one, str) else one for one in self.models]
            return web.json_response({"data": entries})
        if seen.path != "/v1/chat/completions":
            return web.json_response({"error": {"message": "no such path"}}, status=404)
        self.in_flight += 1
        try:
            return await self._reply(request, seen)
        except (asyncio.CancelledError, ConnectionError):
            self.abandoned.append(seen)
            raise
        finally:
            self.in_flight -= 1

    async def _record(self, request: web.Request) -> Seen:
        body = await request.text()
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Seen(
            number=len(self.requests),
            path=request.path.removeprefix(f"/{self._own}"),
            headers=headers,
            body=json.loads(body) if body else {},
            at=time.monotonic(),
        )
        self.requests.append(seen)
        return seen

    async def _reply(self, request: web.Request, seen: Seen) -> web.StreamResponse:
        try:
            result = self.script(seen)
            reply = await result if inspect.isawaitable(result) else result
        except Exception as error:  # noqa: BLE001  whatever the test's own script raises
            self._errors.append(error)
            return web.json_response({"error": {"message": repr(error)}}, status=500)
        await asyncio.sleep(reply.delay)
        request[_CLOSES] = reply.closes
        return await reply.send(
            Call(
                request,
                seen.body,
                seen.number,
                seen.text,
                lambda bill: self._bills.append((seen, bill)),
            )
        )


@asynccontextmanager
async def scripted_server(
    script: Script, *, models: Sequence[str | Json] = ("vendor/one",)
) -> AsyncIterator[ScriptedServer]:
    """Serve the script on a free port of 127.0.0.1 for the length of the block."""
    server = ScriptedServer(script, models)
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/{path:.*}", server._answer)
    app.on_response_prepare.append(_close_if_last)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    server._runner = runner
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.base_url = server.url_at(runner.addresses[0][1])
        yield server
    finally:
        await runner.cleanup()
    if server._errors:
        raise server._errors[0]


async def _close_if_last(request: web.Request, response: web.StreamResponse) -> None:
    if request.get(_CLOSES):
        response.headers["Connection"] = "close"
        response.force_close()


def text(
    content: str,
    *,
    usage: Mapping[str, Any] | Auto | None = "auto",
    cost: float | Auto | None = "auto",
    finish_reason: str = "stop",
    reasoning: str = "",
    refusal: str | None = None,
    pace: float = 0.0,
) -> Completion:
    """Return a message of plain text; `pace` is seconds between two chunks of its stream."""
    return Completion(
        content=content,
        usage=usage,
        cost=cost,
        finish_reason=finish_reason,
        reasoning=reasoning,
        refusal=refusal,
        pace=pace,
    )


def tool_calls(
    calls: Sequence[tuple[str, Mapping[str, Any] | str]],
    *,
    content: str = "",
    usage: Mapping[str, Any] | Auto | None = "auto",
    cost: float | Auto | None = "auto",
    reasoning: str = "",
) -> Completion:
    """Return tool calls; arguments given as a string are sent as they are, JSON or not."""
    raw = [(name, a if isinstance(a, str) else json.dumps(a)) for name, a in calls]
    return Completion(
        content=content,
        calls=raw,
        finish_reason="tool_calls",
        usage=usage,
        cost=cost,
        reasoning=reasoning,
    )


def structured(
    value: object,
    *,
    usage: Mapping[str, Any] | Auto | None = "auto",
    cost: float | Auto | None = "auto",
) -> Completion:
    """Return a message whose text is the value as JSON."""
    return Completion(content=json.dumps(value), usage=usage, cost=cost)


def status(
    code: int,
    *,
    headers: Mapping[str, str] | None = None,
    body: Json | str | None = None,
    content_type: str = "application/json",
) -> Raw:
    """Return any HTTP response, by default with an OpenAI-style error body."""
    said = {"error": {"message": f"scripted status {code}", "code": code}} if body is None else body
    raw = said if isinstance(said, str) else json.dumps(said)
    return Raw(code, headers or {}, raw, content_type)


def garbage(body: str = "<html><body>Bad gateway</body></html>", *, code: int = 200) -> Raw:
    """Return something that is not JSON."""
    return Raw(code, {}, body, "text/html")


def broken_stream(content: str, *, after_chunks: int = 2) -> Completion:
    """Return half a message: the connection drops after that many chunks (JSON: in the middle)."""
    return Completion(content=content, breaks_after=after_chunks)


def upstream_error(
    message: str = "Provider returned error",
    *,
    code: int = 502,
    shape: Literal["finish_reason", "event", "body"] = "finish_reason",
    partial: str = "Half an ans",
) -> Reply:
    """Return a failure in an HTTP 200.

    `finish_reason`: a message that ends with `finish_reason: "error"`; `event`: in a stream, an
    `error` event after the partial text; `body`: nothing but an error object, also to a client
    that asked for a stream.
    """
    error = {"message": message, "code": code}
    if shape == "body":
        return Raw(200, {}, json.dumps({"error": error}), "application/json")
    if shape == "event":
        return StreamError(error, partial)
    return Completion(content=partial, finish_reason="error", usage=None, error=error)


def keep_alive_only(*, every: float = 0.05) -> KeepAlive:
    """Return signs of life at that interval in seconds, and never an answer."""
    return KeepAlive(every)


def hang() -> Hang:
    """Return nothing, ever."""
    return Hang()


def in_turn(*replies: Reply) -> Script:
    """Return a script that gives one reply per request and repeats the last."""
    left = list(replies)
    return lambda seen: left.pop(0) if len(left) > 1 else left[0]


def _parts(message: Json) -> list[Json]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _text(message: Json) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)
