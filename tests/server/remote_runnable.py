"""LangServe's client, whose connections close with the block and not with the collector."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langserve import RemoteRunnable


@asynccontextmanager
async def remote_runnable(url: str, headers: dict[str, str] | None = None) -> AsyncIterator[Any]:
    """Yield the deliberation that the server at `url` offers."""
    remote: Any = RemoteRunnable(f"{url}/fusion/", headers=headers)
    async with remote.async_client:
        yield remote
