"""What a client can do to a server without a key to lose. Each returns how its requests ended."""

import asyncio
import gzip
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx2

from bench.abuse.huge_models import FORMS

Ended = Counter[str]
_DEGRADED = re.compile(rb'"degraded": ?\[([^\]]*)\]')
CHAT = "/v1/chat/completions"
QUESTION: dict[str, Any] = {"model": "fusion", "messages": [{"role": "user", "content": "Why?"}]}
_ASK = {"model": "fusion", "fusion": {"max_rounds": 0}, "stream": True}


async def silent(port: int) -> Ended:
    """1,100 connections that say nothing for five seconds."""
    return await _held(port, 1100, b"")


async def slow_heads(port: int) -> Ended:
    """500 connections whose heads come byte by byte."""
    opened = await _open(port, 500)
    for _, writer in opened:
        writer.write(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
    for _ in range(10):
        for reader, writer in opened:
            if not reader.at_eof() and not writer.is_closing():
                writer.write(b"x")
        await asyncio.sleep(0.5)
    return _close(opened)


async def slow_bodies(port: int) -> Ended:
    """500 requests whose bodies do not come."""
    head = f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n".encode()
    return await _held(port, 500, head + b"Content-Type: application/json\r\n\r\n{")


async def unread(port: int) -> Ended:
    """48 streams with instructions of 5 MB, of which nothing is read for five seconds."""
    body = json.dumps(_ASK | {"input": "Why?", "instructions": "x" * 5_000_000}).encode()
    head = f"POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    return await _held(port, 48, f"{head}Content-Type: application/json\r\n\r\n".encode() + body)


async def thousand(port: int) -> Ended:
    """1,000 requests at once."""
    return await _all(port, [("/v1/models", None, {})] * 1000)


async def json_bombs(port: int) -> Ended:
    """Deep, wide and wrong JSON of 4 to 8 MB."""
    wide = json.dumps(QUESTION | {"messages": [1] * 2_000_000}).encode()
    unknown = json.dumps(QUESTION | {"fusion": {f"x{n}": n for n in range(400_000)}}).encode()
    fallbacks = [f"x/{n}" for n in range(400_000)]
    panel = json.dumps(QUESTION | {"fusion": {"panel": [{"model": "a", "fallbacks": fallbacks}]}})
    excluded = json.dumps(QUESTION | {"fusion": {"exclude": ["a.example"] * 500_000}}).encode()
    bodies = [b"[" * 4_000_000, b'{"a":' * 1_000_000, wide, unknown, panel.encode(), excluded]
    sent = [(path, one, {}) for one in bodies for path in (CHAT, "/v1/estimate")]
    return await _all(port, sent, at_once=4)


async def compressed_bombs(port: int) -> Ended:
    """20 bodies of 1 MB that unpack to 1 GB."""
    bomb = gzip.compress(bytes(1 << 30), 1)
    return await _all(port, [(CHAT, bomb, {"Content-Encoding": "gzip"})] * 20, at_once=10)


async def schemas(port: int) -> Ended:
    """Schemas that double with every reference, and patterns that take for ever."""
    twice = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    doubling = {"$defs": twice | {"d60": {}}, "$ref": "#/$defs/d0"}
    body = json.dumps(QUESTION | {"response_format": {
        "type": "json_schema", "json_schema": {"name": "x", "schema": doubling},
    }}).encode()  # fmt: skip
    return await _all(port, [("/v1/estimate", body, {})] * 8, at_once=4)


async def patterns(port: int) -> Ended:
    """Patterns that backtrack for ever, thousands of them, and such that unfold to gigabytes."""
    slow = {f"p{n}": {"type": "string", "pattern": f"^(a|a?)+{n}$"} for n in range(500)}
    nested = {"type": "string", "pattern": "(" * 12 + "a" + "{1,60})" * 12}
    named = {"type": "object", "patternProperties": {"^(.*a){25}$": {"pattern": "(a*)*b"}}}
    schemas = [{"type": "object", "properties": slow}, nested, named, {"allOf": [nested] * 200}]
    asked = [
        (path, json.dumps(QUESTION | {"response_format": {
            "type": "json_schema", "json_schema": {"name": "x", "schema": schema},
        }}).encode(), {})
        for schema in schemas for path in ("/v1/estimate", CHAT)
    ]  # fmt: skip
    return await _all(port, asked * 2, at_once=4)


async def flood(port: int, greedy: str, modest: str) -> Ended:
    """One key sends 400 requests, eighty at once; another asks ten times meanwhile."""
    body = json.dumps(QUESTION).encode()

    def by(name: str, key: str) -> Any:
        async def ask(http: httpx2.AsyncClient) -> str:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
            reply = await http.post(CHAT, content=body, headers=headers)
            return f"{name}: {reply.status_code}"

        return ask

    flooding = asyncio.create_task(_limited(port, [by("greedy", greedy)] * 400, at_once=80))
    await asyncio.sleep(0.5)
    asked = await _limited(port, [by("modest", modest)] * 10, at_once=1)
    return asked + await flooding


async def cancels(port: int) -> Ended:
    """500 streams, each cut off after its first bytes."""
    body = json.dumps(QUESTION | {"stream": True}).encode()

    async def cut(http: httpx2.AsyncClient) -> str:
        headers = {"Content-Type": "application/json"}
        async with http.stream("POST", CHAT, content=body, headers=headers) as reply:
            await anext(reply.aiter_bytes(), b"")
            return str(reply.status_code)

    return await _limited(port, [cut] * 500, at_once=50)


async def large(port: int) -> Ended:
    """100 requests of 6 MB, one after the other."""
    turns = [{"role": "system", "content": "x" * 6_000_000}, *QUESTION["messages"]]
    body = json.dumps({"model": "fusion/direct", "messages": turns}).encode()
    return await _all(port, [(CHAT, body, {})] * 100, at_once=1)


async def huge_replies(port: int) -> Ended:
    """A megabyte of reply in every form, from a member, the judge and the writer, at every door."""
    asked = []
    for what in ("text", "thoughts", "arguments", "marks", "line"):
        for form in FORMS:
            seat = f"openrouter:x/{what}-{form}"
            offered = {"tools": [_LOOK]} if what == "arguments" else {}
            direct = {"mode": "direct", "synthesizer": seat}
            panel = {"panel": [seat, _SHORT], "synthesizer": seat, **_seated(form)}
            for path in _DOORS:
                asked += [_huge(path, direct, stream, **offered) for stream in (False, True)]
                asked += [_huge(path, panel, stream) for stream in (False, True)]
    return await _all(port, asked, at_once=2)


_SHORT = "openrouter:x/short"
_LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def _seated(form: str) -> dict[str, Any]:
    """Settings of a panel whose judge writes a megabyte, and whose members may search."""
    return {"judge": f"openrouter:x/analysis-{form}", "tools": ["docs"], "max_rounds": 0}


async def huge_results(port: int) -> Ended:
    """Conversations with a megabyte of results of tools, and what is stored of them, listed."""
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    turns = [
        *QUESTION["messages"],
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "A row of the table, 4.25 %. " * 36_000},
        {"role": "user", "content": "And now?"},
    ]
    seats = {"panel": [_SHORT] * 3, "synthesizer": _SHORT, **_seated("one")}
    text = [{"role": one["role"], "content": one["content"]} for one in turns if one["content"]]
    items = [one | {"role": "user"} if one["role"] == "tool" else one for one in text]
    whole = {"model": "fusion", "fusion": seats, "stream": True}
    bodies = [(CHAT, whole | {"messages": turns}), ("/v1/responses", whole | {"input": items})]
    sent = [(path, json.dumps(body).encode(), {}) for path, body in bodies]
    ended = await _all(port, sent * 5, at_once=2)
    lists = [("/v1/runs", None, {}), ("/v1/runs?limit=100", None, {})]
    return ended + await _all(port, lists * 10, at_once=4)


_DOORS = (CHAT, "/v1/responses")


def _huge(path: str, fusion: Any, stream: bool, **more: Any) -> tuple[str, bytes, Any]:
    if path == "/v1/responses":
        asked = {"input": "Why?"}
        more = {name: [_flat(tool) for tool in tools] for name, tools in more.items()}
    else:
        asked = {"messages": QUESTION["messages"]}
    body = {"model": "fusion", "stream": stream, "fusion": fusion, **asked, **more}
    return path, json.dumps(body).encode(), {}


def _flat(tool: Any) -> Any:
    """A tool of Chat Completions as one of Responses."""
    return {"type": tool["type"], **tool["function"]}


Connections = list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]


async def _held(port: int, number: int, sent: bytes) -> Ended:
    opened = await _open(port, number)
    for _, writer in opened:
        writer.write(sent)
    await asyncio.sleep(5)
    return _close(opened)


async def _open(port: int, number: int) -> Connections:
    opened = []
    for _ in range(number):
        with suppress(OSError):
            opened.append(await asyncio.open_connection("127.0.0.1", port))
    return opened


def _close(opened: Connections) -> Ended:
    ended = Counter("closed by the server" if r.at_eof() else "held" for r, _ in opened)
    for _, writer in opened:
        writer.transport.abort()
    return ended


async def _all(port: int, sent: list[tuple[str, bytes | None, Any]], at_once: int = 1000) -> Ended:
    def one(path: str, body: bytes | None, further: Any) -> Any:
        async def ask(http: httpx2.AsyncClient) -> str:
            if body is None:
                return str((await http.get(path)).status_code)
            headers = {"Content-Type": "application/json"} | further
            reply = await http.post(path, content=body, headers=headers)
            lacking = _DEGRADED.findall(reply.content)
            why = re.findall(rb"\w+", lacking[-1]) if lacking else []
            return " ".join((str(reply.status_code), *sorted({one.decode() for one in why})))

        return ask

    return await _limited(port, [one(*each) for each in sent], at_once)


async def _limited(
    port: int, asks: list[Callable[[httpx2.AsyncClient], Awaitable[str]]], at_once: int
) -> Ended:
    ended, free = Ended(), asyncio.Semaphore(at_once)
    limits = httpx2.Limits(max_connections=at_once)
    base = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(base_url=base, timeout=120, limits=limits) as http:

        async def run(ask: Callable[[httpx2.AsyncClient], Awaitable[str]]) -> None:
            async with free:
                try:
                    ended[await ask(http)] += 1
                except httpx2.HTTPError as error:
                    ended[type(error).__name__] += 1

        await asyncio.gather(*(run(ask) for ask in asks))
    return ended


@dataclass(frozen=True)
class Scenario:
    """What is done to a server: it is given the port, then a key for each name."""

    abuse: Callable[..., Awaitable[Ended]]
    keys: tuple[str, ...] = ()
    has_models: bool = False
    """Whether there are models whose replies are huge."""
    stores: bool = False
    """Whether runs and responses are kept."""


SCENARIOS: dict[str, Scenario] = {
    "silent": Scenario(silent),
    "slow heads": Scenario(slow_heads),
    "slow bodies": Scenario(slow_bodies),
    "unread": Scenario(unread),
    "thousand": Scenario(thousand),
    "json bombs": Scenario(json_bombs),
    "compressed bombs": Scenario(compressed_bombs),
    "schemas": Scenario(schemas),
    "patterns": Scenario(patterns),
    "flood": Scenario(flood, keys=("greedy", "modest")),
    "cancels": Scenario(cancels),
    "large": Scenario(large),
    "huge replies": Scenario(huge_replies, has_models=True),
    "huge results": Scenario(huge_results, has_models=True, stores=True),
}
