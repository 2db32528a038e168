"""Runs that outlive their connection hold under clients that ask for too much of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from langgraph_fusion.graph.journal.detached_runs import NEWEST, Head, StoredEvent
from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import C, cast
from tests.scripted import hang
from tests.server.asking import body, until
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Serving
from tests.server.runs.following import follow, start


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=400)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")


async def test_a_key_that_starts_hundreds_of_runs_leaves_room_for_another_key(
    serving: Serving, client: httpx2.AsyncClient, store: str, tmp_path: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    mine, other = ({"Authorization": f"Bearer {ring.add(name, Caps())}"} for name in ("a", "b"))
    served = await serving(
        lambda _: hang(), runs=store, keys=tmp_path / "keys.db", max_runs=4, queue=4
    )
    url = f"{served.url}/v1/runs"
    begun = [await client.post(url, json=body(), headers=mine) for _ in range(100)]
    assert [one.status_code for one in begun] == [202] * 5 + [429] * 95
    assert (await client.post(url, json=body(), headers=other)).status_code == 202
    listed = (await client.get(f"{url}?limit=100", headers=mine)).json()["data"]
    assert len(listed) == 5
    for one in listed:
        await client.post(f"{url}/{one['id']}/cancel", headers=mine)
    await until(lambda: served.state.manager.admission.admitted == 1)


async def test_a_run_takes_so_many_orders_and_can_still_be_cancelled(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast({C: hang()}), runs=store)
    run_id = await start(client, served.url)
    await until(lambda: served.models.in_flight == 1)
    place = f"{served.url}/v1/runs/{run_id}"
    order = {"action": "stop_member", "seat": "A"}
    replies = [await client.post(f"{place}/steer", json=order) for _ in range(110)]
    assert [one.status_code for one in replies] == [202] * 100 + [409] * 10
    assert (await client.post(f"{place}/cancel")).status_code == 202
    found = await follow(client, served.url, run_id)
    assert found.kinds[-1] == "run.cancelled"
    assert found.kinds.count("run.steered") == 100


async def test_few_orders_wait_for_a_run_of_another_process(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast(), runs=store)
    run_id = "0123456789ab"
    await served.state.store.detached.claim(Head(id=run_id, run_id=run_id, status="running"))
    place = f"{served.url}/v1/runs/{run_id}"
    asked = [{"action": "follow_up", "question": f"What is {number}?"} for number in range(30)]
    replies = [await client.post(f"{place}/steer", json=one) for one in asked]
    assert [one.status_code for one in replies] == [202] * 20 + [409] * 10
    assert (await client.post(f"{place}/steer", json=asked[0])).status_code == 202
    for _ in range(5):
        assert (await client.post(f"{place}/cancel")).status_code == 202
    assert len(await served.state.store.detached.orders()) == 21


ODD = ["-1", "1e3", "٣", "²", "9" * 5000, "abc", "", "1.5", "0x10"]


@pytest.mark.parametrize("sent", ODD)
async def test_a_last_event_that_is_none_of_ours_is_as_if_it_were_not_sent(
    serving: Serving, client: httpx2.AsyncClient, store: str, sent: str
) -> None:
    served = await serving(cast(), runs=store)
    run_id = await start(client, served.url)
    whole = await follow(client, served.url, run_id)
    url = f"{served.url}/v1/runs/{run_id}/events"
    headers = [(b"Last-Event-ID", sent.encode())]
    again = await client.get(url, headers=headers)
    assert again.status_code == 200
    assert again.text.count("\nid: ") == len(whole.numbers)
    asked = await client.get(url, params={"after": sent})
    assert asked.status_code == 400
    assert len(asked.content) < 1000


async def test_a_number_after_the_end_has_no_events(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast(), runs=store)
    run_id = await start(client, served.url)
    await follow(client, served.url, run_id)
    url = f"{served.url}/v1/runs/{run_id}/events"
    for after in ("999999999", "1000"):
        assert (await client.get(url, headers={"Last-Event-ID": after})).status_code == 204


async def test_a_list_is_made_of_the_newest_runs(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast(), runs=store)
    detached = served.state.store.detached
    for number in range(NEWEST + 50):
        detached.write_head_later(Head(
            id=f"{number:012x}", run_id=f"{number:012x}", status="finished", question="What?",
            created_at=float(number),
        ))  # fmt: skip
    await served.state.store.writer.soon()
    found: list[str] = []
    while True:
        page = await client.get(f"{served.url}/v1/runs?limit=100&q=what&offset={len(found)}")
        found += [one["id"] for one in page.json()["data"]]
        if not page.json()["has_more"]:
            break
    assert len(found) == len(set(found)) == NEWEST


async def test_ten_thousand_events_come_whole_and_in_order(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast(), runs=store)
    run_id, many = "0123456789ab", 10_000
    detached = served.state.store.detached
    for number in range(1, many + 1):
        detached.append(run_id, StoredEvent(number, "writer.delta", '{"type": "x", "text": "y"}'))
    detached.write_head_later(Head(id=run_id, run_id=run_id, status="finished", last_event=many))
    await served.state.store.writer.soon()
    found = await follow(client, served.url, run_id)
    assert found.numbers == list(range(1, many + 1))
    rest = await follow(client, served.url, run_id, after=many - 3)
    assert rest.numbers == [many - 2, many - 1, many]


async def test_a_key_follows_so_many_streams_and_no_more(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast({C: hang()}), runs=store)
    run_id = await start(client, served.url)
    await until(lambda: served.models.in_flight == 1)
    followers = [asyncio.create_task(follow(client, served.url, run_id)) for _ in range(200)]
    await until(lambda: served.state.detached._followers.total() == 200)
    refused = await client.get(f"{served.url}/v1/runs/{run_id}/events")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "server_full")
    for one in followers[:50]:
        one.cancel()
    await until(lambda: served.state.detached._followers.total() == 150)
    await client.post(f"{served.url}/v1/runs/{run_id}/cancel")
    for found in await asyncio.gather(*followers[50:]):
        assert found.kinds[-1] == "run.cancelled"
    await until(lambda: served.state.detached._followers.total() == 0)
