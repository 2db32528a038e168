"""What large requests leave is bounded, also where Python itself collects no cycles."""

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.graph.cast import cast
from tests.server.asking import PANEL, until
from tests.server.conftest import Serving

MB = 1_000_000
BODY_MB = 3
REQUESTS = 12
"""With the one before, their bodies are just above the 32 MiB after which the server collects:
without that, cycles of their panels would leave eight times as much as all bodies."""
LEFT_MB = 48
"""The last request, which comes after the collection, may be eight times its size in memory."""


@pytest.fixture
def without_collections() -> Iterator[None]:
    gc.collect()
    gc.disable()
    tracemalloc.start(1)
    yield
    tracemalloc.stop()
    gc.enable()


def large(path: str) -> dict[str, Any]:
    text = "x" * (BODY_MB * MB)
    settings = {"model": "fusion", "fusion": PANEL}
    if path == "/v1/responses":
        return settings | {"instructions": text, "input": "What is it?"}
    turns = [{"role": "system", "content": text}, {"role": "user", "content": "What is it?"}]
    return settings | {"messages": turns}


@pytest.mark.usefixtures("without_collections")
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
async def test_many_large_requests_leave_less_than_a_bound(serving: Serving, path: str) -> None:
    served = await serving(cast())
    sent = large(path) | {"stream": True}
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:

        async def ask() -> None:
            assert (await http.post(path, json=sent)).status_code == 200
            served.models.forget()
            await until(lambda: served.state.manager.admission.admitted == 0)

        await ask()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(REQUESTS):
            await ask()
        await asyncio.sleep(0.1)
        after, _ = tracemalloc.get_traced_memory()
    assert after - before < LEFT_MB * MB
