"""Cancel work when its client disconnects."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio
from starlette.types import Receive

T = TypeVar("T")


class ClientGone(Exception):
    """The client closed its connection before it had the answer."""


async def cancel_on_disconnect(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns; cancel it as soon as the client goes.

    `receive` must have delivered the whole body already.

    Raises:
        ClientGone: If the client went first; the work has been cancelled and has ended.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        await _ended(working, watching)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def finish_cleanup_on_cancel(work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns; cancelled with us, it is waited for.

    It has a task of its own: the cancel scopes of the MCP and SSE libraries cancel every `await`
    inside them again and again, also those of a clean-up, and would leave containers behind.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    finally:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait({task})
