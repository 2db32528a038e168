"""Work for a client only as long as it listens, and let the work clean up in peace."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio
from starlette.requests import Request

T = TypeVar("T")
POLL_S = 0.2


async def while_listening(work: Coroutine[Any, Any, T], request: Request | None) -> T:
    """Return what the work returns; it is cancelled with us, or when the client has gone.

    The work has a task of its own: our caller's cancel scope would otherwise cancel every `await`
    of its clean-up as well, and leave containers behind.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise asyncio.CancelledError("the client has gone")
        return task.result()
    finally:
        gone.cancel()
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait({task, gone})


async def _gone(request: Request | None) -> None:
    """Return when the client of an HTTP request has disconnected."""
    if request is None:
        await asyncio.Event().wait()
        return
    while not await request.is_disconnected():
        await asyncio.sleep(POLL_S)
