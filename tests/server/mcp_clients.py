"""The official MCP client over both transports, and what a test asks of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.types import (
    CallToolResult,
    CancelledNotification,
    CancelledNotificationParams,
    ClientNotification,
    TextContent,
)

from tests.cli.processes import FUSION, environment


@asynccontextmanager
async def over_stdio(
    *options: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[ClientSession]:
    """A session with `fusion mcp` as a process of its own."""
    command = [*FUSION, "mcp", *options]
    server = StdioServerParameters(command=command[0], args=command[1:], env=environment(env))
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        yield session


@asynccontextmanager
async def over_http(
    url: str, key: str | None = None, **further: str
) -> AsyncIterator[ClientSession]:
    """A session with the server at `url`, an address that ends in /mcp; `further` are headers."""
    headers = further | ({"Authorization": f"Bearer {key}"} if key else {})
    async with (
        create_mcp_http_client(headers=headers) as http,
        streamable_http_client(url, http_client=http) as (reads, writes, _),
        ClientSession(reads, writes) as session,
    ):
        await session.initialize()
        yield session


class Progress:
    """Every progress notification of a call."""

    def __init__(self) -> None:
        self.numbers: list[float] = []
        self.lines: list[str] = []

    @property
    def run_id(self) -> str:
        return self.lines[0].rpartition("; run ")[2]

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.numbers.append(progress)
        self.lines.append(message or "")


def text_of(result: CallToolResult) -> str:
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


async def cancel_last(session: ClientSession) -> None:
    """Tell the server that the answer to the last request is not run_request any more."""
    params = CancelledNotificationParams(requestId=session._request_id - 1, reason="no need")
    notification = CancelledNotification(method="notifications/cancelled", params=params)
    await session.send_notification(ClientNotification(notification))


async def until(true: Any, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)
