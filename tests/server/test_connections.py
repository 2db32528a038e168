"""Clients that are silent, slow, too many, or read nothing: the others are served all the same."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from openai import AsyncOpenAI

from langgraph_fusion.server.connections import LimitedConnection
from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import cast
from tests.scripted import hang
from tests.server.asking import asking, body, until
from tests.server.blocking_keys import BlockingKeys
from tests.server.command import served as command
from tests.server.conftest import Served, Serving

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Hasty(LimitedConnection):
    """The same limits, in tenths of seconds."""

    head_s = 0.3
    unread_s = 0.3
    look_s = 0.05


@asynccontextmanager
async def connection(
    served: Served,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    at = urlsplit(served.url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Whether the server ends the connection; what it says before is read."""
    try:
        async with asyncio.timeout(30):
            await reader.read()
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"G",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
        HEALTH + b"GET /healthz HTTP/1.1\r\n",
        b"\r\n\r\n",
    ],
)
async def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(
    serving: Serving, sent: bytes
) -> None:
    served = await serving(cast(), http=Hasty)
    async with connection(served) as (reader, writer):
        writer.write(sent)
        assert await is_closed(reader)


async def test_a_head_that_comes_byte_by_byte_has_no_longer(serving: Serving) -> None:
    served = await serving(cast(), http=Hasty)
    async with connection(served) as (reader, writer):
        closed = asyncio.create_task(is_closed(reader))
        writer.write(b"GET /healthz HTTP/1.1\r\n")
        while not closed.done():
            writer.write(b"X-A: b\r\n")
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("head", [b"X-A: b\r\n" * 20_000, b"X-A: " + b"b" * 200_000])
async def test_a_head_without_end_is_refused_by_its_size(serving: Serving, head: bytes) -> None:
    served = await serving(cast())
    async with connection(served) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\n" + head)
        assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")
        assert await is_closed(reader)


CHUNKED = b"POST /v1/estimate HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "further",
    [
        b"0\r\n" + b"X-A: b\r\n" * 50_000,
        b"0\r\nX-A: " + b"b" * 400_000,
        b"1;" + b"a" * 400_000,
        b"100\r\n" + b" " * 256 + b"\r\n0\r\nX-A: " + b"b" * 400_000,
    ],
)
async def test_trailers_without_end_are_refused_as_a_head_is(
    serving: Serving, further: bytes
) -> None:
    served = await serving(cast())
    async with connection(served) as (reader, writer):
        writer.write(CHUNKED + further)
        assert b" 431 " in await reader.readline()
        assert await is_closed(reader)


async def test_a_body_in_chunks_of_one_byte_is_a_body(serving: Serving) -> None:
    served = await serving(cast())
    sent = json.dumps(body(user="x" * 100_000)).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % one for one in sent) + b"0\r\nX-A: b\r\n\r\n"
    async with connection(served) as (reader, writer):
        kind = b"Content-Type: application/json\r\n\r\n"
        writer.write(CHUNKED.removesuffix(b"\r\n") + kind + chunks)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("cut", [10, 10_000])
async def test_the_rest_of_a_body_is_not_counted_with_the_head_behind_it(
    serving: Serving, cut: int
) -> None:
    served = await serving(cast())
    head = b"POST /v1/estimate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n"
    following = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    async with connection(served) as (reader, writer):
        writer.write(head + b"[" * 900_000)
        assert b" 400 " in await reader.readline()
        writer.write(b"[" * 100_000 + following[:cut])
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(following[cut:])
        assert b"HTTP/1.1 200 " in await reader.read()


async def test_a_kept_connection_is_used_again_however_long_a_reply_took(serving: Serving) -> None:
    served = await serving(cast(), http=Hasty)
    async with connection(served) as (reader, writer):
        for _ in range(3):
            writer.write(HEALTH)
            assert (await reader.readuntil(b'{"status":"ok"}')).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0.5)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/estimate", "/fusion/invoke", "/mcp"])
@pytest.mark.parametrize("sent", [b"", b'{"model": "fu'])
async def test_a_body_that_does_not_come_is_not_waited_for(
    serving: Serving, path: str, sent: bytes
) -> None:
    served = await serving(cast(), body_s=0.3)
    async with connection(served) as (reader, writer):
        kind = b"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n".encode()
        writer.write(head + kind + b"\r\n" + sent)
        async with asyncio.timeout(30):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")


async def test_the_longest_silent_makes_room_and_a_newcomer_is_served(serving: Serving) -> None:
    served = await serving(cast(), max_connections=5)
    at = urlsplit(served.url)
    silent = [await asyncio.open_connection(at.hostname, at.port) for _ in range(40)]
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as http:
        assert (await http.get("/healthz")).status_code == 200
        reply = await http.post("/v1/chat/completions", json=body())
        assert reply.status_code == 200
    for reader, _ in silent[:30]:
        assert await is_closed(reader)
    for _, writer in silent:
        writer.close()


async def test_requests_beyond_the_limit_are_told_so_and_health_is_answered(
    serving: Serving,
) -> None:
    served = await serving(lambda _: hang(), max_connections=4)
    asked = [asyncio.create_task(_ask(served)) for _ in range(4)]
    await until(lambda: served.state.manager.admission.admitted == 4)
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as http:
        for path in ("/v1/models", "/metrics", "/"):
            refused = await http.get(path)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert refused.json()["error"]["code"] == "server_full"
        assert (await http.get("/healthz")).status_code == 200
        asked.pop().cancel()
        await until(lambda: served.state.manager.admission.admitted == 3)
        assert (await http.get("/v1/models")).status_code == 200
    for one in asked:
        one.cancel()


async def _ask(served: Served) -> None:
    client = AsyncOpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)
    async with client:
        await client.chat.completions.create(**asking())


async def test_replies_that_nobody_reads_are_cut_off(serving: Serving) -> None:
    served = await serving(cast(), http=Hasty)
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as http:
        whole = len((await http.get("/openapi.json")).content)
    async with connection(served) as (reader, writer):
        times = 30_000_000 // whole
        writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * times)
        await asyncio.sleep(2)
        assert len(await _all_of(reader)) < times * whole


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    """What can still be read, also of a connection that is broken."""
    read = b""
    with suppress(ConnectionResetError):
        while piece := await reader.read(1_000_000):
            read += piece
    return read


async def test_bodies_are_refused_when_all_of_them_are_too_large_together(
    serving: Serving, tmp_path: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    mine, other = ({"Authorization": f"Bearer {ring.add(name, Caps())}"} for name in ("ada", "bob"))
    served = await serving(lambda _: hang(), keys=tmp_path / "keys.db", max_bodies_bytes=1_000_000)
    large = body(messages=[{"role": "user", "content": "x" * 300_000}])
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as http:
        first = asyncio.create_task(http.post("/v1/chat/completions", json=large, headers=mine))
        await until(lambda: served.state.manager.admission.admitted == 1)
        refused = await http.post("/v1/chat/completions", json=large, headers=mine)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        second = asyncio.create_task(http.post("/v1/chat/completions", json=large, headers=other))
        await until(lambda: served.state.manager.admission.admitted == 2)
        first.cancel()
        await until(lambda: served.state.manager.admission.admitted == 1)
        while served.state.manager.admission.admitted == 1:  # the body is let go a moment later
            third = asyncio.create_task(http.post("/v1/chat/completions", json=large, headers=mine))
            await asyncio.wait({third}, timeout=1)
        for one in (second, third):
            one.cancel()


async def test_the_command_answers_health_among_more_connections_than_it_has_files(
    tmp_path: Path,
) -> None:
    async with command(cast(), tmp_path, "--max-connections", "50") as server:
        at = urlsplit(server.url)
        silent = [await asyncio.open_connection(at.hostname, at.port) for _ in range(400)]
        async with httpx2.AsyncClient(timeout=30) as http:
            for _ in range(5):
                assert (await http.get(f"{server.url}/healthz")).status_code == 200
        for _, writer in silent:
            writer.close()
        log = await server.log_after()
    told: list[dict[str, Any]] = [line for line in log if line["event"] == "connections.full"]
    assert told
    assert told[0]["closed"] >= 1
