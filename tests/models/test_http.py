import asyncio
import gc

import pytest

from langgraph_fusion.models.http import (
    check_before_sending,
    close_http_client,
    shared_client,
)
from tests.models.scripted_models import openrouter, vllm
from tests.scripted import scripted_server, status, text


async def test_models_of_all_providers_share_one_clients_connections() -> None:
    async with scripted_server(lambda seen: text("Yes.")) as server:
        for model in (openrouter(server.base_url), vllm(server.base_url)):
            await model.ainvoke("Why?")
        assert server.open_connections == 1
        await close_http_client()
        await asyncio.sleep(0.05)
        assert server.open_connections == 0
        await openrouter(server.base_url).ainvoke("Why?")  # a later call opens a new one
        assert server.open_connections == 1
        await close_http_client()


async def test_one_model_serves_several_event_loops() -> None:
    async with scripted_server(lambda seen: text("Yes.")) as server:
        model = openrouter(server.base_url)

        async def ask() -> str:
            return (await model.ainvoke("Why?")).text + (await model.ainvoke("Why?")).text

        answers = [await ask()]
        for _ in range(3):
            answers.append(await asyncio.to_thread(asyncio.run, ask()))
        answers.append(await ask())
        assert answers == ["Yes.Yes."] * 5
        await close_http_client()
        await asyncio.sleep(0.05)
        assert server.open_connections == 0
    gc.collect()  # an unclosed session would warn here, and a warning is an error


async def test_nothing_is_kept_of_a_loop_that_ended() -> None:
    async with scripted_server(lambda seen: text("Yes.")) as server:
        model = openrouter(server.base_url)
        await asyncio.to_thread(asyncio.run, model.ainvoke("Why?"))
        assert len(shared_client()._clients) == 0


async def test_a_hundred_calls_are_in_flight_at_once() -> None:
    async with scripted_server(lambda seen: text("Yes.").after(0.5)) as server:
        model = openrouter(server.base_url)
        calls = [asyncio.create_task(model.ainvoke("Why?")) for _ in range(100)]
        most = 0
        while not all(call.done() for call in calls):
            most = max(most, server.in_flight)
            await asyncio.sleep(0.02)
        assert most >= 90
        await close_http_client()
        await asyncio.sleep(0.05)
        assert server.open_connections == 0


async def test_the_long_headers_of_gateways_are_read() -> None:
    headers = {f"x-policy-{n}": "p" * 12_000 for n in range(3)} | {
        f"x-{n}": "1" for n in range(200)
    }
    body = {"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]}
    async with scripted_server(lambda seen: status(200, headers=headers, body=body)) as server:
        assert (await vllm(server.base_url).ainvoke("Why?")).text == "Yes."


async def test_a_request_whose_check_fails_is_not_sent() -> None:
    async def taken_over() -> None:
        raise RuntimeError("another process goes on with it")

    async with scripted_server(lambda seen: text("Yes.")) as server:
        model = openrouter(server.base_url)
        with check_before_sending(taken_over), pytest.raises(RuntimeError, match="goes on with it"):
            await model.ainvoke("Why?")
        assert not server.requests
        await model.ainvoke("Why?")
        assert len(server.requests) == 1
        await close_http_client()
