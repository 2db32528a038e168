"""Two hosts in front of one PostgreSQL: keys, caps and rates, MCP through a balancer, an outage."""

import asyncio
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import JUDGE, PANEL, WRITER, A, cast
from tests.scripted import Reply, Seen, status, text
from tests.server.asking import asking, body, until
from tests.server.blocking_keys import BlockingKeys
from tests.server.command import served as command
from tests.server.conftest import Serving
from tests.server.mcp_clients import Progress, text_of
from tests.server.shared_database import Shared

ASK: dict[str, Any] = {
    "question": "What is it?", "panel": list(PANEL), "judge": JUDGE, "synthesizer": WRITER,
    "tools": [],
}  # fmt: skip


async def test_an_mcp_client_is_served_by_two_hosts_in_turn(
    serving: Serving, shared: Shared
) -> None:
    without_credit = [True]

    def script(seen: Seen) -> Reply | Any:
        return status(402) if without_credit else cast(answer="It is 42.")(seen)

    hosts = [await serving(script, keys=shared.url, runs=shared.url) for _ in range(2)]
    keys = BlockingKeys(shared.url)
    mine, other = keys.add("ada", Caps()), keys.add("bob", Caps())
    turn, seen = cycle(hosts), Counter[str]()

    async def balance(request: Any) -> None:
        request.url = request.url.copy_with(port=int(next(turn).url.rpartition(":")[2]))
        seen[str(request.url.port)] += 1

    async def session_of(key: str, work: Any) -> Any:
        async with create_mcp_http_client(headers={"Authorization": f"Bearer {key}"}) as http:
            http.event_hooks = {"request": [balance]}
            mcp = streamable_http_client(f"{hosts[0].url}/mcp", http_client=http)
            async with mcp as (reads, writes, _), ClientSession(reads, writes) as session:
                await session.initialize()
                return await work(session)

    progress = Progress()

    async def ask(session: ClientSession) -> Any:
        for _ in range(4):
            assert {tool.name for tool in (await session.list_tools()).tools} >= {"deliberate"}
        return await session.call_tool("deliberate", ASK, progress_callback=progress)

    failed = await session_of(mine, ask)
    assert failed.isError
    assert progress.lines
    without_credit.clear()
    again = {"run_id": progress.run_id}
    stranger = await session_of(other, lambda session: session.call_tool("resume", again))
    assert text_of(stranger) == f"there is no run {progress.run_id!r}"
    result = await session_of(mine, lambda session: session.call_tool("resume", again))
    assert text_of(result) == "It is 42."
    assert min(seen[one.url.rpartition(":")[2]] for one in hosts) >= 3


async def test_without_the_database_new_runs_get_503_and_those_under_way_are_charged_later(
    serving: Serving, shared: Shared, prices: Path
) -> None:
    served = await serving(cast({A: text("It is 42.").after(6)}), keys=shared.url)
    token = BlockingKeys(shared.url).add("ada", Caps(per_day_usd=1.0, per_run_usd=0.5))
    client = served.client.with_options(api_key=token)
    running = asyncio.create_task(client.chat.completions.create(**asking()))
    await until(lambda: served.models.seen_by(A))
    with shared.gone():
        with pytest.raises(openai.InternalServerError) as refused:
            await client.chat.completions.create(**asking())
        assert refused.value.code == "keys_unavailable"
        assert refused.value.response.headers["retry-after"] == "5"
        async with httpx2.AsyncClient(base_url=served.url, timeout=30) as http:
            assert (await http.get("/healthz")).status_code == 200
            ready = await http.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]["keys"]["ok"]) == (503, False)
        reply = await running
        assert reply.choices[0].message.content
    paid = served.models.usage().cost
    async with asyncio.timeout(30):
        while BlockingKeys(shared.url).all()[0][1].total_usd != pytest.approx(paid):
            await asyncio.sleep(0.1)


async def test_two_processes_keep_a_cap_and_a_rate_and_know_new_keys_at_once(
    shared: Shared, tmp_path: Path, prices: Path
) -> None:
    env = {"FUSION_KEYS": shared.url, "FUSION_PRICES": str(prices)}
    slow = cast(answer="Done. " * 2000)
    options = ("--runs", "off", "--max-runs", "50")
    async with (
        command(slow, tmp_path / "a", *options, env=env) as a,
        command(slow, tmp_path / "b", *options, env=env) as b,
    ):
        keys = BlockingKeys(shared.url)
        capped = keys.add("ada", Caps(per_day_usd=0.5, per_run_usd=0.08))
        rated = keys.add("bob", Caps(per_minute=4))

        async def post(url: str, token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx2.AsyncClient(base_url=url, timeout=120, headers=headers) as http:
                return (await http.post("/v1/chat/completions", json=body())).status_code

        first = [post(one.url, capped) for one in (a, b) for _ in range(25)]
        second = [post(one.url, rated) for one in (a, b) for _ in range(4)]
        statuses = await asyncio.gather(*first, *second)
        assert set(statuses[:50]) <= {200, 402, 429}
        assert Counter(statuses[50:]) == {200: 4, 429: 4}
        spent = {key.name: found.total_usd for key, found in keys.all()}
        billed = a.models.usage().cost + b.models.usage().cost
        assert 0 < spent["ada"] <= 0.5
        assert spent["ada"] + spent["bob"] == pytest.approx(billed)
        keys.remove("bob")
        assert {await post(one.url, rated) for one in (a, b)} == {401}
