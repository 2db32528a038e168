"""Whether anything is left of a run."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from langgraph_fusion.models.http import close_http_client


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """No task, socket or thread may be there afterwards that was not before."""
    tasks, sockets, threads = asyncio.all_tasks(), _sockets(), _threads()
    yield
    await close_http_client()
    for _ in range(100):  # what was closed takes a moment to go
        if (_sockets(), _threads()) == (sockets, threads) and asyncio.all_tasks() <= tasks:
            break
        await asyncio.sleep(0.02)
    assert asyncio.all_tasks() <= tasks
    assert _sockets() <= sockets
    assert _threads() <= threads


def _sockets() -> int:
    return sum("socket:" in _target(one) for one in Path("/proc/self/fd").iterdir())


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""  # the folder's own, closed by now


def _threads() -> set[str]:
    """Those of the event loop's pool are kept for the next who asks."""
    names = {thread.name for thread in threading.enumerate()}
    return {name for name in names if not name.startswith("asyncio_")}
