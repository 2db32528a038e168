"""A run that outlives its connections: followed, left, found again, cancelled, resumed, deleted."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from langgraph_fusion.graph.resume import stopped_run
from langgraph_fusion.server.keys.key import Caps
from tests.gate import Gate
from tests.graph.cast import WRITER, A, B, C, cast
from tests.scripted import hang, status, text
from tests.server.asking import body, until
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Served, Serving
from tests.server.runs.following import follow, start

ANSWER = "It is forty-two, says everybody who was asked about it."


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=60) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")


async def run_of(client: httpx2.AsyncClient, served: Served, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"{served.url}/v1/runs/{run_id}")).json()
    return found


async def finished_members(
    client: httpx2.AsyncClient, served: Served, run_id: str, count: int
) -> None:
    """Wait until so many members have answered, so that their answers are in the journal."""
    seen = 0
    events = f"{served.url}/v1/runs/{run_id}/events"
    async with client.stream("GET", events, timeout=60) as reply:
        async for line in reply.aiter_lines():
            seen += line == "event: member.finished"
            if seen == count:
                return


async def test_a_run_is_followed_from_its_start_to_its_result(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast({WRITER: text(ANSWER, pace=0.01)}), runs=store)
    run_id = await start(client, served.url)
    found = await follow(client, served.url, run_id)
    assert found.numbers == list(range(1, len(found.numbers) + 1))
    assert (found.kinds[0], found.kinds[-1]) == ("run.started", "run.finished")
    assert found.text == ANSWER
    run = await run_of(client, served, run_id)
    assert (run["status"], run["question"]) == ("finished", "What is it?")
    assert run["result"] == found.events[-1]["result"]
    assert run["result"]["run_id"] == run_id


async def test_whoever_lost_the_connection_gets_the_rest_and_nothing_twice(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    gate = Gate(text(ANSWER))
    served = await serving(cast({C: gate}), runs=store)
    run_id = await start(client, served.url)
    await gate.asked.wait()
    before = await follow(client, served.url, run_id, most=4)
    assert before.kinds[0] == "run.started"
    gate.opened.set()
    after = await follow(client, served.url, run_id, after=before.numbers[-1])
    assert before.numbers + after.numbers == list(range(1, len(before.numbers + after.numbers) + 1))
    assert after.kinds[-1] == "run.finished"
    again = await follow(client, served.url, run_id)
    assert again.events == [*before.events, *after.events]


async def test_a_run_goes_on_when_nobody_follows(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast(), runs=store)
    run_id = await start(client, served.url)
    async with asyncio.timeout(60):
        while (await run_of(client, served, run_id))["status"] != "finished":
            await asyncio.sleep(0.05)
    assert served.state.manager.admission.admitted == 0


async def test_another_process_follows_and_cancels_through_the_store(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast({C: hang()}), runs=store)
    run_id = await start(client, served.url)
    await until(lambda: served.models.in_flight == 1)
    other = await serving(cast(), runs=store)
    following = asyncio.create_task(follow(client, other.url, run_id))
    await asyncio.sleep(0.1)
    cancelled = await client.post(f"{other.url}/v1/runs/{run_id}/cancel")
    assert cancelled.status_code == 202
    found = await following
    assert found.kinds[0] == "run.started"
    assert found.kinds[-1] == "run.cancelled"
    await until(lambda: served.models.in_flight == 0)
    assert (await run_of(client, other, run_id))["status"] == "cancelled"


async def test_a_cancelled_run_is_resumed_under_its_id_without_paying_again(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    gate = Gate(text("Gamma says 42."))
    served = await serving(cast({C: gate}), runs=store)
    run_id = await start(client, served.url)
    await finished_members(client, served, run_id, 2)
    await client.post(f"{served.url}/v1/runs/{run_id}/cancel")
    first = await follow(client, served.url, run_id)
    assert first.kinds[-1] == "run.cancelled"
    gate.opened.set()
    resumed = await client.post(f"{served.url}/v1/runs/{run_id}/resume")
    assert resumed.status_code == 202, resumed.text
    rest = await follow(client, served.url, run_id, after=first.numbers[-1])
    assert rest.kinds[-1] == "run.finished"
    assert rest.numbers[0] == first.numbers[-1] + 1
    asked = [seen.model for seen in served.models.requests]
    assert (asked.count(A), asked.count(B), asked.count(C)) == (1, 1, 2)


async def test_a_failed_run_says_why_to_whoever_comes_back(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast({one: status(400) for one in (A, B, C)}), runs=store)
    run_id = await start(client, served.url)
    found = await follow(client, served.url, run_id)
    run = await run_of(client, served, run_id)
    assert (found.kinds[-1], run["status"]) == ("run.failed", "failed")
    assert found.events[-1]["error"] == run["error"]
    assert run["error"]["failure_reason"] == "all_panels_failed"


async def test_what_is_lost_is_said_as_a_gap(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast(), runs=store)
    run_id = await start(client, served.url)
    whole = await follow(client, served.url, run_id)
    other = await serving(cast(), runs=store)
    runs = other.state.store
    space = ("langgraph_fusion", "events", run_id)
    for number in (2, 3, 5):
        await runs._store.adelete(space, f"{number:09d}")
    found = await follow(client, other.url, run_id)
    gaps = [(one["after"], one["next"]) for one in found.events if one["type"] == "gap"]
    assert gaps == [(1, 4), (4, 6)]
    assert found.events[-1] == whole.events[-1]


async def test_runs_are_listed_searched_and_deleted(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast(), runs=store)
    questions = ["How deep is the lake?", "Who built the bridge?", "How old is the bridge?"]
    ids = []
    for question in questions:
        run_id = await start(client, served.url, messages=[{"role": "user", "content": question}])
        await follow(client, served.url, run_id)
        ids.append(run_id)
    listed = (await client.get(f"{served.url}/v1/runs?limit=2")).json()
    assert [one["question"] for one in listed["data"]] == questions[:0:-1]
    assert listed["has_more"]
    found = (await client.get(f"{served.url}/v1/runs?q=BRIDGE old")).json()["data"]
    assert [one["id"] for one in found] == [ids[2]]
    gone = await client.delete(f"{served.url}/v1/runs/{ids[2]}")
    assert gone.json() == {"id": ids[2], "object": "run", "deleted": True}
    assert (await client.get(f"{served.url}/v1/runs/{ids[2]}")).status_code == 404
    assert (await client.get(f"{served.url}/v1/runs/{ids[2]}/events")).status_code == 404
    left = await served.state.store._store.asearch(("langgraph_fusion",), limit=10_000)
    assert not [item for item in left if ids[2] in (*item.namespace, item.key)]


async def test_another_keys_run_is_not_there(
    serving: Serving, client: httpx2.AsyncClient, store: str, tmp_path: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    mine, other = ({"Authorization": f"Bearer {ring.add(name, Caps())}"} for name in ("a", "b"))
    served = await serving(cast(), runs=store, keys=tmp_path / "keys.db")
    run_id = await start(client, served.url, headers=mine)
    await follow(client, served.url, run_id, headers=mine)
    place = f"{served.url}/v1/runs/{run_id}"
    reads = [("GET", ""), ("GET", "/events"), ("GET", "/report")]
    writes = [("DELETE", ""), *(("POST", path) for path in ("/cancel", "/resume", "/steer"))]
    for method, path in [*reads, *writes]:
        steering = {"action": "answer_now"} if path == "/steer" else None
        refused = await client.request(method, place + path, headers=other, json=steering)
        assert refused.status_code == 404, path
        assert (await client.request(method, place + path)).status_code == 401
    assert (await client.get(f"{served.url}/v1/runs", headers=other)).json()["data"] == []
    assert len((await client.get(f"{served.url}/v1/runs", headers=mine)).json()["data"]) == 1


async def test_a_finished_run_has_a_report(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast({WRITER: text(ANSWER)}), runs=store)
    run_id = await start(client, served.url)
    await follow(client, served.url, run_id)
    place = f"{served.url}/v1/runs/{run_id}/report"
    assert ANSWER in (await client.get(place)).text
    assert (await client.get(f"{place}?format=md")).text.startswith("# What is it?")
    assert (await client.get(f"{place}?format=json")).json()["answer"] == ANSWER


async def test_what_cannot_be_done_is_said(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    served = await serving(cast(), runs=store)
    run_id = await start(client, served.url)
    await follow(client, served.url, run_id)
    late = await client.post(f"{served.url}/v1/runs/{run_id}/cancel")
    assert late.status_code == 409
    assert "has ended: finished" in late.json()["error"]["message"]
    none = await serving(cast())
    refused = await client.post(f"{none.url}/v1/runs", json=body())
    assert refused.status_code == 400
    assert "keeps no runs" in refused.json()["error"]["message"]


async def test_a_run_that_was_finished_elsewhere_is_finished(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    gate = Gate(text("Gamma says 42."))
    served = await serving(cast({C: gate, WRITER: text(ANSWER)}), runs=store)
    run_id = await start(client, served.url)
    await gate.asked.wait()
    await client.post(f"{served.url}/v1/runs/{run_id}/cancel")
    await follow(client, served.url, run_id)
    gate.opened.set()
    stopped = await stopped_run(served.state.store, run_id)
    async for _ in stopped.events(served.state.store):
        pass
    run = await run_of(client, served, run_id)
    assert (run["status"], run["result"]["answer"]) == ("finished", ANSWER)
    listed = (await client.get(f"{served.url}/v1/runs")).json()["data"]
    assert [one["status"] for one in listed] == ["finished"]


async def test_a_run_that_is_taken_up_twice_goes_on_once(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    gate = Gate(text("Gamma says 42."))
    served = await serving(cast({C: gate, WRITER: text(ANSWER)}), runs=store)
    run_id = await start(client, served.url)
    await finished_members(client, served, run_id, 2)
    await client.post(f"{served.url}/v1/runs/{run_id}/cancel")
    first = await follow(client, served.url, run_id)
    resume = f"{served.url}/v1/runs/{run_id}/resume"
    replies = await asyncio.gather(client.post(resume), client.post(resume))
    assert sorted(reply.status_code for reply in replies) == [202, 409]
    gate.opened.set()
    rest = await follow(client, served.url, run_id, after=first.numbers[-1])
    assert rest.kinds.count("run.finished") == 1
    assert (await run_of(client, served, run_id))["status"] == "finished"


async def test_two_workers_that_take_up_a_run_do_not_spoil_it(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    gate = Gate(text("Gamma says 42."))
    script = cast({C: gate, WRITER: text(ANSWER)})
    served = await serving(script, runs=store)
    run_id = await start(client, served.url)
    await finished_members(client, served, run_id, 2)
    await client.post(f"{served.url}/v1/runs/{run_id}/cancel")
    first = await follow(client, served.url, run_id)
    other = await serving(script, runs=store)
    both = [client.post(f"{one.url}/v1/runs/{run_id}/resume") for one in (served, other)]
    codes = [reply.status_code for reply in await asyncio.gather(*both)]
    assert 202 in codes
    await asyncio.sleep(0.5)  # whoever came second has found out by then
    gate.opened.set()
    async with asyncio.timeout(60):
        while (await run_of(client, other, run_id))["status"] != "finished":
            await asyncio.sleep(0.1)
    third = await serving(script, runs=store)
    whole = await follow(client, third.url, run_id)
    assert whole.kinds.count("run.finished") == 1
    assert "run.failed" not in whole.kinds[len(first.kinds) :]
