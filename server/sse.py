"""Server-sent events that start at once, are never silent for long and end when the client goes."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from langgraph_fusion.models.loop_share import share_loop
from langgraph_fusion.server.runs.cancellation import ClientGone, cancel_on_disconnect

Frames = AsyncGenerator[bytes, None]
DONE = b"data: [DONE]\n\n"
_ALIVE = b": keep-alive\n\n"


def frame(data: Mapping[str, Any], event: str | None = None) -> bytes:
    """One event on the wire."""
    named = f"event: {event}\n" if event else ""
    return f"{named}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


class EventStream(Response):
    """Send frames as they come; `close` is awaited however the stream ends."""

    media_type = "text/event-stream"

    def __init__(
        self,
        frames: Frames,
        *,
        keep_alive_s: float,
        unread_s: float = 60.0,
        close: Callable[[], Awaitable[None]],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(
            {
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # or nginx holds the stream back
                **(headers or {}),
            }
        )
        self._frames = frames
        self._keep_alive_s = keep_alive_s
        self._unread_s = unread_s
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with suppress(ClientGone):
                await cancel_on_disconnect(receive, self._send_all(send))
        finally:
            await self._close()

    async def _send_all(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await self._send(send, start)
        alive = asyncio.create_task(self._stay_alive(send))
        try:
            async with aclosing(self._frames) as frames:
                async for data in frames:
                    await self._send(send, _body(data))
                    await share_loop()
        finally:
            alive.cancel()
        await self._send(send, _body(b"", more=False))

    async def _send(self, send: Send, message: Message) -> None:
        """Send a message; a client that does not read for so long is taken for gone."""
        try:
            async with asyncio.timeout(self._unread_s):
                await send(message)
        except TimeoutError:
            raise ClientGone from None

    async def _stay_alive(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._keep_alive_s)
            await send(_body(_ALIVE))


def _body(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


Event = dict[str, Any]
_SILENT = frozenset({
    "model.call", "member.reasoning", "sources", "writer.delta", "run.finished",
})  # fmt: skip
"""What comes whole in the end, is the answer itself, or has an event in the hosted contract."""


def public_event(event: Event) -> Event | None:
    """The event as a stream passes it on: member texts and the analysis come whole in the end."""
    if event["type"] in _SILENT:
        return None
    if event["type"] == "model.progress":
        return event | {"text": ""}
    if "answer" in event:
        return event | {"answer": event["answer"] | {"text": ""}}
    return {name: value for name, value in event.items() if name != "analysis"}
