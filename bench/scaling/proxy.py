"""A TCP proxy that drops, delays and holds up connections, as a bad network does."""

import asyncio
import random
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

Weather = Literal["fair", "slow", "silent", "cut"]
"""fair: passes all; slow: each piece comes late; silent: nothing passes, connections stay; cut:
connections end, and new ones do so at once."""
_SLOW_S = (0.02, 0.3)
_LOOK_S = 0.05


class Proxy:
    """Passes connections on to a port of this machine."""

    def __init__(self, to_port: int, draw: random.Random) -> None:
        self.port = 0
        self.weather: Weather = "fair"
        self.cuts = 0
        """Connections that were ended."""
        self._to_port = to_port
        self._draw = draw
        self._open = set[StreamWriter]()

    def change(self, weather: Weather) -> None:
        """Let the weather be this from now on."""
        self.weather = weather
        if weather == "cut":
            self.cuts += len(self._open) // 2
            for writer in list(self._open):
                writer.transport.abort()

    async def storm(self, seconds: float) -> None:
        """Change the weather at random for so long; fair weather comes after it."""
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while clock() < end:
            self.change(self._draw.choice(("fair", "slow", "silent", "cut")))
            await asyncio.sleep(self._draw.uniform(0.2, 3.0))
        self.change("fair")

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self.weather == "cut":
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, there[1]}
        self._open |= both
        try:
            await asyncio.gather(self._pass(reader, there[1]), self._pass(there[0], writer))
        finally:
            self._open -= both
            for one in both:
                one.transport.abort()

    async def _pass(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(1 << 16):
                if self.weather == "slow":
                    await asyncio.sleep(self._draw.uniform(*_SLOW_S))
                while self.weather == "silent":
                    await asyncio.sleep(_LOOK_S)
                writer.write(piece)
                await writer.drain()
            writer.write_eof()


@asynccontextmanager
async def proxy(to_port: int, draw: random.Random) -> AsyncIterator[Proxy]:
    """Open a port for the length of the block."""
    made = Proxy(to_port, draw)
    server = await asyncio.start_server(made._connected, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.change("cut")
        await server.wait_closed()
