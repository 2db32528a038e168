"""A server that stops: runs finish within the grace, the others' clients hear why."""

import asyncio
from typing import Any

import httpx2
import openai
import pytest

from tests.graph.cast import A, B, C, cast
from tests.scripted import hang, text
from tests.server.asking import asking, body, until
from tests.server.conftest import Serving


async def test_a_run_finishes_within_the_grace(serving: Serving) -> None:
    served = await serving(cast({A: text("Alpha says 42.").after(0.5)}), grace_s=30)
    asked = asyncio.create_task(served.client.chat.completions.create(**asking()))
    await until(lambda: served.models.in_flight > 0)
    served.state.manager.shutdown.start()
    assert (await asked).choices[0].message.content == "Done."


async def test_new_runs_are_refused_and_waiting_ones_given_up(serving: Serving) -> None:
    served = await serving(cast({A: text("Late.").after(0.5)}), max_runs=1)
    running = asyncio.create_task(served.client.chat.completions.create(**asking()))
    await until(lambda: served.models.in_flight > 0)
    waiting = asyncio.create_task(served.client.chat.completions.create(**asking()))
    await until(lambda: served.state.manager.admission.waiting > 0)
    served.state.manager.shutdown.start()
    for late in (waiting, served.client.chat.completions.create(**asking())):
        with pytest.raises(openai.InternalServerError) as raised:
            await late
        assert raised.value.status_code == 503
        assert raised.value.body["failure_reason"] == "server_stopping"  # type: ignore[index]
    assert (await running).choices[0].finish_reason == "stop"
    async with httpx2.AsyncClient() as client:
        assert (await client.get(f"{served.url}/readyz")).status_code == 503


@pytest.mark.parametrize("stream", [False, True])
async def test_a_run_that_outlasts_the_grace_is_named_to_its_client(
    serving: Serving, stream: bool
) -> None:
    served = await serving(cast({one: hang() for one in (A, B, C)}), grace_s=0.3)
    async with httpx2.AsyncClient(timeout=30) as client:
        url = f"{served.url}/v1/chat/completions"
        asked = asyncio.create_task(client.post(url, json=body(stream=stream)))
        await until(lambda: served.models.in_flight == 3)
        run_id: Any = next(iter(served.state.manager.shutdown.runs)).run_id
        served.state.manager.shutdown.start()
        response = await asked
    assert response.status_code == (200 if stream else 503)
    assert "server_stopping" in response.text
    assert run_id in response.text
    assert served.models.in_flight == 0
    assert not served.state.manager.shutdown.runs
