"""A run is steered over HTTP, at its own worker and through another one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from langgraph_fusion.server.keys.key import Caps
from tests.gate import Gate
from tests.graph.cast import WRITER, A, B, C, cast
from tests.scripted import text
from tests.server.asking import PANEL
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Serving
from tests.server.runs.following import follow, start


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=60) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")


async def steer(client: httpx2.AsyncClient, url: str, run_id: str, **body: Any) -> httpx2.Response:
    return await client.post(f"{url}/v1/runs/{run_id}/steer", json=body)


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_question_of_ones_own_is_asked_by_whichever_worker(
    serving: Serving, client: httpx2.AsyncClient, store: str, elsewhere: bool
) -> None:
    gate = Gate(text("Gamma says 42."))
    served = await serving(cast({C: gate}), runs=store)
    run_id = await start(client, served.url)
    await gate.asked.wait()
    url = (await serving(cast(), runs=store)).url if elsewhere else served.url
    question = "What does the almanac say?"
    asked = await steer(client, url, run_id, action="follow_up", question=question, seats=["A"])
    assert asked.status_code == 202, asked.text
    following = asyncio.create_task(follow(client, url, run_id))
    await asyncio.sleep(1.2 if elsewhere else 0)  # it looks for orders twice a second
    gate.opened.set()
    found = await following
    result = found.events[-1]["result"]
    assert [(one["kind"], one["question"]) for one in result["follow_ups"]] == [("user", question)]
    steered = [one for one in found.events if one["type"] == "run.steered"]
    assert [one["action"] for one in steered] == ["follow_up"]
    assert [one["seat"] for one in result["answers"] if one["asked"] == ["U1"]] == ["A"]


async def test_a_member_is_stopped_and_the_others_go_on(
    serving: Serving, client: httpx2.AsyncClient, store: str
) -> None:
    gate = Gate(text("Gamma says 42."))
    served = await serving(cast({C: gate}), runs=store)
    run_id = await start(client, served.url)
    await gate.asked.wait()
    assert (await steer(client, served.url, run_id, action="stop_member", seat="C")).is_success
    found = await follow(client, served.url, run_id)
    failed = found.events[-1]["result"]["failed_members"]
    assert [(one["seat"], one["reason"]) for one in failed] == [("C", "stopped")]


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"action": "stop_member", "seat": "Z"}, 409, "no seat 'Z'"),
        ({"action": "follow_up", "question": " "}, 409, "empty"),
        ({"action": "raise_budget", "budget_usd": 2}, 409, "no spend cap"),
        ({"action": "raise_budget", "budget_usd": -1}, 400, "budget_usd"),
        ({"action": "dance"}, 400, "action"),
        ({"action": "answer_now", "more": 1}, 400, "more"),
    ],
)
async def test_what_cannot_be_done_is_said(
    serving: Serving,
    client: httpx2.AsyncClient,
    store: str,
    body: dict[str, Any],
    code: int,
    says: str,
) -> None:
    gate = Gate(text("Gamma says 42."))
    served = await serving(cast({C: gate}), runs=store)
    run_id = await start(client, served.url)
    await gate.asked.wait()
    refused = await steer(client, served.url, run_id, **body)
    assert refused.status_code == code, refused.text
    assert says in refused.json()["error"]["message"]
    gate.opened.set()
    assert (await follow(client, served.url, run_id)).kinds[-1] == "run.finished"


@pytest.mark.usefixtures("prices")
async def test_a_keys_cap_holds_when_a_run_may_spend_more(
    serving: Serving, client: httpx2.AsyncClient, store: str, tmp_path: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    token = ring.add("a", Caps(per_day_usd=3.0, per_run_usd=2.0))
    gate = Gate(text("Gamma says 42."))
    served = await serving(cast({C: gate}), runs=store, keys=tmp_path / "keys.db")
    client.headers["Authorization"] = f"Bearer {token}"
    run_id = await start(client, served.url, fusion=PANEL | {"budget_usd": 1.0})
    await gate.asked.wait()
    (_, spent), *_ = ring.all()
    assert spent.today_usd == pytest.approx(1.0)
    too_much = await steer(client, served.url, run_id, action="raise_budget", budget_usd=2.5)
    assert (too_much.status_code, "up to $2.0000" in too_much.text) == (402, True)
    raised = await steer(client, served.url, run_id, action="raise_budget", budget_usd=1.5)
    assert raised.is_success
    (_, spent), *_ = ring.all()
    assert spent.today_usd == pytest.approx(1.5)
    gate.opened.set()
    await follow(client, served.url, run_id)
    async with asyncio.timeout(30):
        while ring.all()[0][1].today_usd > 0.5:
            await asyncio.sleep(0.05)
    assert {A, B, C, WRITER} <= {seen.model for seen in served.models.requests}
