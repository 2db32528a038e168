"""A chat completion over HTTP: one JSON object there, one back, or a stream of them.

This is all that a call needs of a client. The `openai` package, which walks the types of every
request and reply, takes more CPU for it than all the rest of a call together (`bench/graph`).
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from langgraph_fusion.models.errors import BadResponse, StatusError, UpstreamError
from langgraph_fusion.models.event_stream import EventData
from langgraph_fusion.models.http import shared_sessions

_MAX_ERROR_BODY = 64 * 1024
Json = dict[str, Any]


async def post(url: str, headers: Mapping[str, str], body: Json) -> Json:
    """Send a request and return the object that comes back.

    Raises:
        StatusError: If the server refused.
        BadResponse: If it answered something that is no JSON object.
        aiohttp.ClientError: If the connection failed.
    """
    async with _sent(url, headers, body) as response:
        return _object(await response.text(errors="replace"))


async def post_stream(url: str, headers: Mapping[str, str], body: Json) -> AsyncGenerator[Json]:
    """Send a request and yield the objects of its event stream.

    Raises:
        UpstreamError: If an event, or the whole answer, is an error object.
        StatusError, BadResponse, aiohttp.ClientError: As `post` does.
    """
    async with _sent(url, headers, body) as response:
        if response.content_type in ("application/json", "text/html"):
            await _refuse_what_is_no_stream(response)
        events = EventData()
        async for piece in response.content.iter_any():  # to the end: then it is used again
            for data in events.fed(piece):
                yield _chunk(data)
        for data in events.finished():
            yield _chunk(data)


@asynccontextmanager
async def _sent(
    url: str, headers: Mapping[str, str], body: Json
) -> AsyncIterator[aiohttp.ClientResponse]:
    session = await shared_sessions().current()
    data = json.dumps(body, separators=(",", ":")).encode()
    async with session.post(url, headers=headers, data=data) as response:
        if not response.ok:
            said = await _beginning(response)
            raise StatusError(response.status, said, response.headers)
        yield response


def _chunk(data: str) -> Json:
    chunk = _object(data)
    if error := chunk.get("error"):
        raise UpstreamError.from_body(error)
    return chunk


def _object(text: str) -> Json:
    try:
        found = json.loads(text)
    except ValueError:
        raise BadResponse(f"the server answered no JSON: {text[:200]}") from None
    if not isinstance(found, dict):
        raise BadResponse(f"the server answered no JSON object: {text[:200]}")
    return found


async def _refuse_what_is_no_stream(response: aiohttp.ClientResponse) -> None:
    said = await _beginning(response)
    try:
        error = json.loads(said).get("error")
    except (ValueError, AttributeError):
        error = None
    if error:
        raise UpstreamError.from_body(error)
    raise BadResponse(f"the server answered {response.content_type}, not a stream: {said[:200]}")


async def _beginning(response: aiohttp.ClientResponse) -> str:
    body = b""
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _MAX_ERROR_BODY:
            break
    return body.decode(errors="replace")
