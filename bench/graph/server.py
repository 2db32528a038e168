"""A model server in a process of its own: python -m bench.graph.server. Prints its address.

It does as little as it can, so that it is not what is measured: requests are not parsed, replies
are made of prepared parts. `POST /set?latency=…&seed=…` chooses how long calls take and forgets
what was recorded; `GET /seen` returns the first request of each model since then; `GET /counts`
returns calls, tokens, this process's own CPU seconds and, as `time.monotonic()`, when the first of
them came since then (0 if none did).
"""

import asyncio
import json
import math
import re
import time
from contextlib import suppress
from typing import Any

from aiohttp import web

from bench.graph.latency import Latency, latency_of
from bench.graph.replies import pieces, whole
from bench.serving import serve

_MODEL = re.compile(rb'"model": ?"([^"]+)"')
_STREAM = re.compile(rb'"stream": ?true')


class ModelServer:
    """Answers chat completions after the time that its distribution draws."""

    def __init__(self) -> None:
        self._latency: Latency = latency_of("constant:0.5", 0)
        self._seen: dict[str, Any] = {}
        self._calls = self._tokens = 0
        self._first_at = 0.0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Handle every request."""
        if request.path.endswith("/chat/completions"):
            return await self._complete(request)
        if request.path == "/set":
            self._latency = latency_of(request.query["latency"], int(request.query["seed"]))
            self._seen.clear()
            self._first_at = 0.0
            return web.Response()
        return web.json_response(self._seen if request.path == "/seen" else self._counts())

    async def _complete(self, request: web.BaseRequest) -> web.StreamResponse:
        self._first_at = self._first_at or time.monotonic()
        body = await request.read()
        found = _MODEL.search(body)
        assert found is not None
        model = found[1].decode()
        if model not in self._seen:
            self._seen[model] = json.loads(body)
        seconds = self._latency(model)
        await (asyncio.sleep(seconds) if math.isfinite(seconds) else asyncio.Event().wait())
        self._calls += 1
        if _STREAM.search(body):
            return await self._stream(request, body, model)
        reply, tokens = whole(body, model)
        self._tokens += tokens
        return web.Response(body=reply, content_type="application/json")

    async def _stream(
        self, request: web.BaseRequest, body: bytes, model: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        with suppress(ConnectionError):  # whoever hedged has another answer and hung up
            await response.prepare(request)
            for piece in pieces(body, model):
                await response.write(piece)
        self._tokens += len(body) // 4
        return response

    def _counts(self) -> dict[str, float]:
        return {
            "calls": self._calls,
            "tokens": self._tokens,
            "cpu_s": time.process_time(),
            "first_at": self._first_at,
        }


if __name__ == "__main__":
    asyncio.run(serve(ModelServer().answer))
