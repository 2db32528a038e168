"""The HTTP connections of all model calls: one aiohttp session per event loop.

A session belongs to the event loop it was first used in. Models may outlive a loop: each request
goes through the session of the loop it is made in. That session is closed when its loop shuts down
its asynchronous generators, as `asyncio.run` does, or earlier by `close_http_client()`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import cache
from urllib.request import getproxies

import aiohttp

CONNECT_TIMEOUT_S = 10.0


class LoopSessions:
    """A session for every event loop that asks for one."""

    def __init__(self) -> None:
        self._owners: dict[asyncio.AbstractEventLoop, AsyncGenerator[aiohttp.ClientSession]] = {}
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    async def current(self) -> aiohttp.ClientSession:
        """Return the session of the running loop, a new one at its first call."""
        loop = asyncio.get_running_loop()
        if session := self._sessions.get(loop):
            return session
        self._forget_closed_loops()
        owner = self._own(loop)
        self._owners[loop] = owner
        self._sessions[loop] = await anext(owner)
        return self._sessions[loop]

    async def close_current(self) -> None:
        """Close the session of the running loop, if it has one."""
        if owner := self._owners.get(asyncio.get_running_loop()):
            await owner.aclose()

    async def _own(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[aiohttp.ClientSession]:
        session = _session()
        try:
            yield session
        finally:
            self._owners.pop(loop, None)
            self._sessions.pop(loop, None)
            await session.close()

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._sessions if loop.is_closed()]:
            self._sessions.pop(loop, None)
            self._owners.pop(loop, None)


def _session() -> aiohttp.ClientSession:
    """As many connections as calls: whoever admits runs bounds them; each call has its own limit.

    The environment is read for proxies once, here: aiohttp would ask for it in a thread every call.
    """
    import httpx2

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=httpx2.create_ssl_context()),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=bool(getproxies()),
    )


@cache
def shared_sessions() -> LoopSessions:
    """Return the sessions that all models of this process share."""
    return LoopSessions()


async def close_http_client() -> None:
    """Close the running loop's connections; the next call opens new ones."""
    await shared_sessions().close_current()
