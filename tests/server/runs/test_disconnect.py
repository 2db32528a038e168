"""A client that goes stops all spending."""

import asyncio

import httpx2
import pytest

from tests.graph.cast import A, B, C, cast
from tests.scripted import hang
from tests.server.asking import body, until
from tests.server.conftest import Serving


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_stops_all_calls(serving: Serving, stream: bool) -> None:
    served = await serving(cast({one: hang() for one in (A, B, C)}))
    async with httpx2.AsyncClient() as client:
        asking = asyncio.create_task(
            client.post(f"{served.url}/v1/chat/completions", json=body(stream=stream), timeout=30)
        )
        await until(lambda: served.models.in_flight == 3)
        asking.cancel()
    await until(lambda: served.models.in_flight == 0)
    assert len(served.models.abandoned) == 3
    await asyncio.sleep(0.05)
    assert not served.state.manager.shutdown.runs
    assert served.state.manager.admission.admitted == 0
    assert b'outcome="abandoned"} 1.0' in served.state.metrics.page()


async def test_a_client_that_goes_while_it_waits_leaves_the_queue(serving: Serving) -> None:
    served = await serving(cast({one: hang() for one in (A, B, C)}), max_runs=1)
    async with httpx2.AsyncClient(timeout=30) as client:
        url = f"{served.url}/v1/chat/completions"
        tasks = [asyncio.create_task(client.post(url, json=body())) for _ in range(3)]
        await until(
            lambda: (served.state.manager.admission.waiting, served.models.in_flight) == (2, 3)
        )
        for task in tasks:
            task.cancel()
    await until(lambda: served.state.manager.admission.admitted == 0)
    assert served.state.manager.admission.running == 0
    assert len(served.models.requests) == 3, "the two that waited have asked nobody"
