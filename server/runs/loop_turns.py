"""Turns in the event loop: of many requests that come at once, one is begun in each round.

To read a request and to start its run takes some milliseconds in which nothing else happens. The
loop does all that is ready before it looks at its sockets again, so that fifty requests that come
together would be one long silence. Here they are begun one after the other, and between two of them
the loop serves whoever else waits, `/healthz` among them.
"""

import asyncio
from collections import deque


class LoopTurns:
    """The turns of one server process. For one event loop only."""

    def __init__(self) -> None:
        self._waiting = deque[asyncio.Future[None]]()
        self._is_given = False

    async def turn(self) -> None:
        """Return in a round of the loop in which no other turn is given."""
        loop = asyncio.get_running_loop()
        if not self._is_given:
            self._is_given = True
            loop.call_soon(self._give_next, loop)
            return
        mine = loop.create_future()
        self._waiting.append(mine)
        await mine

    def _give_next(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            following = self._waiting.popleft()
            if not following.done():  # else whoever waited has gone
                following.set_result(None)
                loop.call_soon(self._give_next, loop)
                return
        self._is_given = False
