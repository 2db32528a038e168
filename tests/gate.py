"""A scripted reply that waits until the test lets it go."""

import asyncio

from tests.scripted import Reply, Seen


class Gate:
    """A model's part: the reply, once the gate is open."""

    def __init__(self, reply: Reply) -> None:
        self.opened = asyncio.Event()
        self.asked = asyncio.Event()
        self._reply = reply

    async def __call__(self, seen: Seen) -> Reply:
        self.asked.set()
        await self.opened.wait()
        return self._reply
