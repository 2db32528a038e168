"""The real server of these tests at an address on this machine, behind a key."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from mcp.server.fastmcp import FastMCP

LONG = 5 * 1024 * 1024


@dataclass
class Served:
    url: str
    asked: list[str] = field(default_factory=list)
    """The header `authorization` of each request."""


@asynccontextmanager
async def http_server(key: str) -> AsyncIterator[Served]:
    """Serve; a request without the key is answered with 401."""
    library = FastMCP("library")

    @library.tool()
    def lend(title: str) -> str:
        """Look a book up."""
        return f"{title} is on shelf 8."

    @library.tool()
    def copy() -> str:
        """Copy everything."""
        return "x" * LONG

    listening = socket.create_server(("127.0.0.1", 0))
    served = Served(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp")
    inner = library.streamable_http_app()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"").decode()
            served.asked.append(given)
            if given != f"Bearer {key}":
                await send({"type": "http.response.start", "status": 401, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
        await inner(scope, receive, send)

    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield served
    finally:
        server.should_exit = True
        await serving
        listening.close()
