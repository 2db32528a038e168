"""A bench's model server as a process of its own: it prints its address and serves until killed."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web


async def serve(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
    """Serve on a free port of this machine until killed."""
    server = web.Server(answer, access_log=None, handler_cancellation=True)
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()
