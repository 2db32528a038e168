"""An address of the model server that nobody can talk to any more."""

import asyncio
import socket
from contextlib import ExitStack
from typing import Literal

from tests.scripted import ScriptedServer

Address = Literal["refusing", "deaf"]


class Departing:
    """A second address of a server, at which it is reached once and then never again.

    `refusing`: nobody listens at the port, which stays taken. `deaf`: connections are never made,
    because the queue is full.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._gone = asyncio.Event()
        self._held = ExitStack()
        self._listening = self._held.enter_context(socket.socket())
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listening.bind(("127.0.0.1", 0))
        self._port = self._listening.getsockname()[1]
        self.base_url = ""

    async def open(self, server: ScriptedServer) -> None:
        self._site = await server.also_at(self._listening)
        self.base_url = server.url_at(self._port)

    async def leave(self) -> None:
        """From now on nobody else reaches it; who is connected is served."""
        await (self._refuse if self._address == "refusing" else self._hear_nothing)()
        self._gone.set()

    async def gone(self) -> None:
        await self._gone.wait()

    def close(self) -> None:
        self._held.close()

    async def _refuse(self) -> None:
        await self._site.stop()
        taken = self._held.enter_context(socket.socket())
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", self._port))

    async def _hear_nothing(self) -> None:
        listening = self._held.enter_context(self._listening.dup())
        await self._site.stop()
        listening.listen(0)
        for _ in range(8):
            waiting = self._held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
