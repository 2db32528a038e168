import os
from collections.abc import AsyncIterator

import pytest

from langgraph_fusion.models.http import close_http_client


@pytest.fixture(autouse=True)
async def own_connections(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Start without the machine's keys and end without an open connection."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL")) or name == "OLLAMA_HOST":
            monkeypatch.delenv(name)
    yield
    await close_http_client()
