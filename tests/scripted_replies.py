"""What the scripted model server may answer, and how each answer goes over the wire.

Field names are OpenRouter's (`usage.cost`, `provider`, `reasoning`, `reasoning_details`); a client
that did not ask for them is answered as OpenAI does. Import the functions from `tests.scripted`.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from aiohttp import web

Json = dict[str, Any]
Auto = Literal["auto"]


@dataclass(frozen=True)
class Call:
    """One request to answer."""

    request: web.Request
    body: Json
    number: int
    prompt: str
    billed: Callable[[Json], None]
    """Called with the usage block at the moment it is sent."""

    @property
    def openrouter(self) -> bool:
        return bool((self.body.get("usage") or {}).get("include"))

    @property
    def wants_usage(self) -> bool:
        asked = (self.body.get("stream_options") or {}).get("include_usage")
        return bool(asked) or self.openrouter


@dataclass(frozen=True)
class Reply(ABC):
    delay: float = field(default=0.0, kw_only=True)
    closes: bool = field(default=False, kw_only=True)

    def after(self, seconds: float) -> Self:
        """Return this reply, sent that much later."""
        return replace(self, delay=seconds)

    def and_close(self) -> Self:
        """Return this reply, the last one on its connection."""
        return replace(self, closes=True)

    @abstractmethod
    async def send(self, call: Call) -> web.StreamResponse: ...


@dataclass(frozen=True)
class Completion(Reply):
    """An assistant message, as SSE chunks when the request says `stream`, else as JSON."""

    content: str = ""
    calls: Sequence[tuple[str, str]] = ()
    finish_reason: str = "stop"
    reasoning: str = ""
    refusal: str | None = None
    usage: Mapping[str, Any] | Auto | None = "auto"
    cost: float | Auto | None = "auto"
    pace: float = 0.0
    breaks_after: int | None = None
    error: Json | None = None

    async def send(self, call: Call) -> web.StreamResponse:
        if call.body.get("stream"):
            return await self._stream(call)
        if self.breaks_after is not None:
            return await _half(call, json.dumps(self._body(call)))
        body = self._body(call)
        if usage := body.get("usage"):
            call.billed(usage)
        return web.json_response(body)

    def _body(self, call: Call) -> Json:
        message: Json = {"role": "assistant", "content": self.content, "refusal": self.refusal}
        if self.calls:
            message["tool_calls"] = [_tool_call(call, i, c) for i, c in enumerate(self.calls)]
        if self.reasoning:
            message |= _reasoning(self.reasoning)
        choice: Json = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        usage = self._usage(call)
        return (
            _envelope(call, "chat.completion", choice | self._error())
            | ({"provider": "Scripted"} if call.openrouter else {})
            | ({"usage": usage} if usage else {})
        )

    async def _stream(self, call: Call) -> web.StreamResponse:
        response = await _event_stream(call)
        for number, delta in enumerate(self._deltas(call)):
            if number == self.breaks_after:
                return await _drop(call, response)
            await _event(response, _chunk(call, delta))
            await asyncio.sleep(self.pace)
        last = _chunk(call, {}, self.finish_reason)
        last["choices"][0] |= self._error()
        await _event(response, last)
        usage = self._usage(call)
        if usage and call.wants_usage:
            call.billed(usage)
            await _event(response, _chunk(call, None) | {"usage": usage})
        await response.write(b"data: [DONE]\n\n")
        return response

    def _deltas(self, call: Call) -> Iterator[Json]:
        yield {"role": "assistant", "content": ""}
        yield from (_reasoning(piece) for piece in _pieces(self.reasoning))
        yield from ({"content": piece} for piece in _pieces(self.content))
        if self.refusal:
            yield {"refusal": self.refusal}
        for i, (name, arguments) in enumerate(self.calls):
            yield {"tool_calls": [_tool_call(call, i, (name, "")) | {"index": i}]}
            for piece in _pieces(arguments):
                yield {"tool_calls": [{"index": i, "function": {"arguments": piece}}]}

    def _error(self) -> Json:
        return {"error": self.error} if self.error else {}

    def _usage(self, call: Call) -> Json | None:
        """Four characters are a token; a million tokens cost 1 $ in and 2 $ out."""
        if self.usage is None:
            return None
        said = self.content + self.reasoning + "".join(a + b for a, b in self.calls)
        prompt, completion = len(call.prompt) // 4 + 1, len(said) // 4 + 1
        usage: Json = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": len(self.reasoning) // 4},
        }
        usage |= {} if self.usage == "auto" else self.usage
        if self.cost == "auto" and call.openrouter and "cost" not in usage:
            tokens = usage["prompt_tokens"] + 2 * usage["completion_tokens"]
            usage["cost"] = round(tokens / 1e6, 8)
        elif isinstance(self.cost, float | int):
            usage["cost"] = self.cost
        return usage


@dataclass(frozen=True)
class Raw(Reply):
    """Any HTTP status, headers and body."""

    status: int
    headers: Mapping[str, str]
    body: str
    content_type: str

    async def send(self, call: Call) -> web.StreamResponse:
        return web.Response(
            status=self.status, headers=self.headers, text=self.body, content_type=self.content_type
        )


@dataclass(frozen=True)
class StreamError(Reply):
    """Text, then an `error` event: what OpenRouter sends when a provider fails in mid-stream."""

    error: Json
    text: str

    async def send(self, call: Call) -> web.StreamResponse:
        if not call.body.get("stream"):
            return web.json_response({"error": self.error})
        response = await _event_stream(call)
        for piece in _pieces(self.text):
            await _event(response, _chunk(call, {"content": piece}))
        await _event(response, _chunk(call, {"content": ""}, "error") | {"error": self.error})
        return response


@dataclass(frozen=True)
class KeepAlive(Reply):
    """Signs of life and never a word, until the client goes."""

    every: float = 0.05

    async def send(self, call: Call) -> web.StreamResponse:
        response = await _event_stream(call)
        word = b": OPENROUTER PROCESSING\n\n" if call.body.get("stream") else b"\n"
        while True:
            await response.write(word)
            await asyncio.sleep(self.every)


@dataclass(frozen=True)
class Hang(Reply):
    """Not one byte, until the client goes."""

    async def send(self, call: Call) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")


async def _event_stream(call: Call) -> web.StreamResponse:
    kind = "text/event-stream" if call.body.get("stream") else "application/json"
    response = web.StreamResponse(headers={"Content-Type": kind})
    await response.prepare(call.request)
    return response


async def _event(response: web.StreamResponse, chunk: Json) -> None:
    await response.write(f"data: {json.dumps(chunk)}\n\n".encode())


async def _half(call: Call, body: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body.encode())
    await response.prepare(call.request)
    await response.write(body.encode()[: len(body) // 2])
    return await _drop(call, response)


async def _drop(call: Call, response: web.StreamResponse) -> web.StreamResponse:
    await asyncio.sleep(0.01)  # what was written before reaches the client
    if call.request.transport is not None:
        call.request.transport.abort()
    return response


def _envelope(call: Call, kind: str, choice: Json | None) -> Json:
    return {
        "id": f"gen-{call.number}",
        "object": kind,
        "created": 0,
        "model": call.body.get("model", ""),
        "choices": [choice] if choice is not None else [],
    }


def _chunk(call: Call, delta: Json | None, finish_reason: str | None = None) -> Json:
    choice = None
    if delta is not None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = _envelope(call, "chat.completion.chunk", choice)
    return chunk | ({"provider": "Scripted"} if call.openrouter else {})


def _tool_call(call: Call, index: int, said: tuple[str, str]) -> Json:
    function = {"name": said[0], "arguments": said[1]}
    return {"id": f"call_{call.number}_{index}", "type": "function", "function": function}


def _reasoning(piece: str) -> Json:
    detail = {"type": "reasoning.text", "text": piece, "format": "unknown", "index": 0}
    return {"reasoning": piece, "reasoning_details": [detail]}


def _pieces(text: str) -> list[str]:
    """Cut into three pieces or more, of 400 characters at most."""
    size = max(1, min(400, -(-len(text) // 3)))
    return [text[start : start + size] for start in range(0, len(text), size)]
