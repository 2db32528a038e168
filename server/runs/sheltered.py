"""Work that cleans up in peace when the request it belongs to is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


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
