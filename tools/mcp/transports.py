"""How a server is reached: as a process of its own, or at an address."""

import asyncio
import os
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from sys import executable
from typing import TYPE_CHECKING, Any

from langgraph_fusion.tools.mcp.settings import ServerSettings, search_path

if TYPE_CHECKING:  # a second of imports: when a server is started, and in a thread
    import httpx
    from mcp import ClientSession

MAX_BYTES = 4 * 1024 * 1024
"""Of one message of a server."""
_TAIL_BYTES = 2000
"""Of what a process wrote to standard error, to say why it ended."""
_GUARD = Path(__file__).with_name("guard.py")

Said = deque[bytes]


class NotStarted(Exception):
    """The text says why."""


_CHATTER = re.compile(
    r"(?i)npm (notice|warn)|node\.js v\d|at .*:\d+:\d+\)?$|npm err\S* A complete log of this run"
)
"""What stands after a fault and names none: npm's notices, Node.js's version, frames of a stack."""


@asynccontextmanager
async def connected(settings: ServerSettings, said: Said) -> "AsyncIterator[ClientSession]":
    """A session that is not initialized yet; `said` gets what a process writes to standard error.

    Raises:
        NotStarted: If there is no such program.
    """
    await asyncio.to_thread(_load)
    session = _by_http(settings) if settings.url is not None else _by_process(settings, said)
    async with session as opened:
        yield opened


def last_words(said: Said) -> str:
    """The last line of standard error that is not only what its starter adds to every end."""
    text = b"".join(said)[-_TAIL_BYTES:].decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if re.search(r"\w", line)]
    telling = [line for line in lines if not _CHATTER.match(line)]
    return next((some[-1] for some in (telling, lines) if some), "")


@asynccontextmanager
async def _by_http(settings: ServerSettings) -> "AsyncIterator[ClientSession]":
    from langchain_mcp_adapters.sessions import StreamableHttpConnection, create_session

    headers = {name: settings.with_values(text) for name, text in settings.headers.items()}
    headers["Accept-Encoding"] = "identity"
    read_s = max(settings.timeout_s, settings.start_timeout_s)
    client = await asyncio.to_thread(  # certificates are read from disk
        _bounded_client, headers, settings.start_timeout_s, read_s
    )
    connection = StreamableHttpConnection(
        transport="streamable_http",
        url=settings.with_values(settings.url or ""),
        httpx_client_factory=lambda *_, **__: client,
    )
    async with create_session(connection) as session:
        yield session


@asynccontextmanager
async def _by_process(settings: ServerSettings, said: Said) -> "AsyncIterator[ClientSession]":
    """By the SDK itself: the adapters expand `${…}` in values of variables, and log them."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    program = await asyncio.to_thread(settings.program)
    if program is None:
        raise NotStarted(f"there is no program `{settings.command}` in PATH")
    passed_on = {name: os.environ.get(ours, "") for name, ours in settings.env.items()}
    parameters = StdioServerParameters(
        command=executable,
        args=["-I", "-S", str(_GUARD), str(MAX_BYTES), program, *settings.args],
        env={"PATH": search_path(), **passed_on},
        cwd=Path(settings.cwd or "~").expanduser(),
    )
    async with (
        _heard(said) as errors,
        stdio_client(parameters, errlog=errors) as (read, write),
        ClientSession(read, write) as session,
    ):
        yield session


@asynccontextmanager
async def _heard(said: Said) -> AsyncIterator[Any]:
    """A file for what a process writes to standard error; the end of it is kept."""
    ours, theirs = os.pipe()

    class Listening(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            said.append(data[-_TAIL_BYTES:])

    reading = os.fdopen(ours, "rb")
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(Listening, reading)
    try:
        with os.fdopen(theirs, "w") as file:
            yield file
    finally:
        await asyncio.sleep(0)  # for what it said last
        transport.close()


def _load() -> None:
    import langchain_mcp_adapters.sessions  # noqa: F401


def _bounded_client(
    headers: dict[str, str], timeout_s: float, read_s: float
) -> "httpx.AsyncClient":
    """The SDK's client; it reads no more of one response than a message may have."""
    import httpx
    from mcp.shared._httpx_utils import create_mcp_http_client

    client = create_mcp_http_client(headers, httpx.Timeout(timeout_s, read=read_s))
    client.event_hooks["response"].append(_bound)
    return client


async def _bound(response: "httpx.Response") -> None:
    import httpx

    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise httpx.DecodingError("a compressed response")
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    whole: httpx.AsyncByteStream = stream

    class Bounded(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = MAX_BYTES
            async for part in whole:
                left -= len(part)
                if left < 0:
                    raise httpx.ReadError("a response that is too long")
                yield part

        async def aclose(self) -> None:
            await whole.aclose()

    response.stream = Bounded()
