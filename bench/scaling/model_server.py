"""A model server that remembers every call.

    python -m bench.scaling.model_server           # prints its address

The replies are those of `bench.graph`. A question names its run (`run-17-`), so that a call's run,
seat and turn are known whichever process made it. `POST /set?latency=…&seed=…` chooses how long
calls take; `GET /calls` returns all calls since the last `/forget`, times as `time.monotonic()`.
"""

import asyncio
import itertools
import re
import time
from dataclasses import asdict, dataclass

from aiohttp import web

from bench.graph.latency import Latency, latency_of
from bench.graph.replies import pieces, whole
from bench.serving import serve

_RUN = re.compile(rb"run-(\d+)-")
_MODEL = re.compile(rb'"model": ?"([^"]+)"')
_STREAM = re.compile(rb'"stream": ?true')
_RESULT = re.compile(rb'"role": ?"tool"')
_COST = re.compile(rb'"cost": ([\d.e-]+)')


@dataclass
class Call:
    """One call of a model, as the side that bills it knows it."""

    id: int
    run: int
    """The number in the question; -1 if there is none."""
    model: str
    turn: int
    """Results of tools that the request held: with run and model it names the call's place."""
    asked: float
    usd: float
    delivered: float | None = None
    """When the whole reply had been sent; only then the call is paid."""
    ended: float | None = None
    """When it was over, however it ended."""


class ModelServer:
    """Answers chat completions after the time that its distribution draws."""

    def __init__(self) -> None:
        self._latency: Latency = latency_of("constant:0", 0)
        self._calls: list[Call] = []
        self._numbers = itertools.count(1)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Handle every request."""
        if request.path.endswith("/chat/completions"):
            return await self._complete(request)
        if request.path == "/set":
            self._latency = latency_of(request.query["latency"], int(request.query["seed"]))
        if request.path == "/forget":
            self._calls = []
        found = self._calls if request.path == "/calls" else []
        return web.json_response([asdict(call) for call in found])

    async def _complete(self, request: web.BaseRequest) -> web.StreamResponse:
        asked, body = time.monotonic(), await request.read()
        call, parts = self._begin(asked, body)
        self._calls.append(call)
        try:
            await asyncio.sleep(self._latency(call.model))
            streams = _STREAM.search(body) is not None
            kind = "text/event-stream" if streams else "application/json"
            response = web.StreamResponse(headers={"Content-Type": kind})
            await response.prepare(request)
            for part in parts:
                await response.write(part)
            await response.write_eof()
            call.delivered = time.monotonic()
        finally:
            call.ended = time.monotonic()
        return response

    def _begin(self, asked: float, body: bytes) -> tuple[Call, list[bytes]]:
        found, named = _RUN.search(body), _MODEL.search(body)
        model = named[1].decode() if named else ""
        streams = _STREAM.search(body) is not None
        parts = list(pieces(body, model)) if streams else [whole(body, model)[0]]
        cost = _COST.search(b"".join(parts))
        call = Call(
            id=next(self._numbers),
            run=int(found[1]) if found else -1,
            model=model,
            turn=len(_RESULT.findall(body)),
            asked=asked,
            usd=float(cost[1]) if cost else 0.0,
        )
        return call, parts


if __name__ == "__main__":
    asyncio.run(serve(ModelServer().answer))
