"""The loop of a worker process, on a real socket."""

import asyncio
import socket
from typing import Any

import pytest

from langgraph_fusion.server.fair_accept_loop import SharingLoop


class Greets(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        transport.write(b"hello")
        transport.close()


async def hear(address: tuple[str, int]) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    said = await reader.read()
    writer.close()
    await writer.wait_closed()
    return said


async def hundred_and_then_none() -> list[bytes]:
    loop = asyncio.get_running_loop()
    sock = socket.create_server(("127.0.0.1", 0))
    address = sock.getsockname()
    server = await loop.create_server(Greets, sock=sock, backlog=100)
    try:
        heard = await asyncio.gather(*(asyncio.wait_for(hear(address), 30) for _ in range(100)))
    finally:
        server.close()
        await server.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.wait_for(hear(address), 10)
    return heard


def test_all_who_come_at_once_are_taken_and_nobody_after_it_is_closed() -> None:
    with asyncio.Runner(loop_factory=SharingLoop) as runner:
        assert runner.run(hundred_and_then_none()) == [b"hello"] * 100
