"""A panel on a local server: one call at a time unless it takes more, told, and not a fault."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.calls.turns import Turns, by_model
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.event_text import event_lines
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.models.http import close_http_client
from tests.graph.cast import settings
from tests.scripted import Reply, ScriptedServer, Seen, in_turn, scripted_server, status, text
from tests.scripted import structured as structured_reply

ONE, TWO, THREE = "small:1b", "small:2b", "small:3b"


class Local:
    """A server of one slot that notes how many calls it has at a time, and for which models."""

    def __init__(self) -> None:
        self.most, self.takes_s = 0, 0.02
        self.server: ScriptedServer | None = None

    async def script(self, seen: Seen) -> Reply:
        assert self.server is not None
        self.most = max(self.most, self.server.in_flight)
        await asyncio.sleep(self.takes_s)
        if seen.wants_json:
            return structured_reply({"consensus": [{"claim": "It is 42.", "seats": ["A", "B"]}]})
        return text("It is 42.")

    @property
    def models(self) -> list[str]:
        assert self.server is not None
        return [seen.model for seen in self.server.requests if seen.path.endswith("completions")]


@pytest.fixture
async def local(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Local]:
    built = Local()
    async with scripted_server(built.script, models=[ONE, TWO, THREE]) as server:
        built.server, server.slots = server, 1
        monkeypatch.setenv("LOCAL_BASE_URL", server.base_url)
        for name in ("OLLAMA_BASE_URL", "LMSTUDIO_BASE_URL", "VLLM_BASE_URL"):
            monkeypatch.setenv(name, "http://127.0.0.1:9/v1")
        yield built
        await close_http_client()


async def run(chosen: Any) -> tuple[FusionResult, list[dict[str, Any]]]:
    events = [event async for event in deliberate("What is it?", chosen)]
    return FusionResult.model_validate(events[-1]["result"]), events


def panel(*models: str, **given: Any) -> Any:
    seats = [f"local:{model}" for model in models]
    return settings(panel=seats, judge=f"local:{ONE}", synthesizer=f"local:{ONE}", **given)


async def test_members_of_all_runs_take_turns_and_their_waiting_is_no_fault(local: Local) -> None:
    both = await asyncio.gather(run(panel(ONE, ONE, ONE)), run(panel(ONE, ONE)))
    assert local.most == 1
    for result, events in both:
        assert [one.status for one in result.answers] == ["ok"] * len(result.panel)
        assert all(call.error is None for call in result.bill.calls)
        assert result.degraded == ()
        waits = [event for event in events if event["type"] == "model.wait"]
        assert waits
        assert {event["reason"] for event in waits} == {"local_server"}
        assert "waits for the local server" in "".join(event_lines(waits[0]))
        waited = [call.waited_s for call in result.bill.calls]
        assert max(waited) > 0


async def test_as_many_calls_are_made_as_the_server_or_its_user_says(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_PARALLEL", "local=2")
    await run(panel(ONE, ONE, ONE, ONE))
    assert local.most == 2
    monkeypatch.setenv("FUSION_PARALLEL", "local=none")
    with pytest.raises(ConfigError, match="FUSION_PARALLEL"):
        await run(panel(ONE))


async def test_a_retry_stands_in_the_queue_anew_and_holds_no_place(local: Local) -> None:
    assert local.server is not None
    failing = in_turn(status(503, headers={"Retry-After": "0"}), text("It is 42."))
    script = local.server.script

    async def first_fails(seen: Seen) -> Reply:
        reply = failing(seen) if seen.model == TWO else script(seen)
        return reply if isinstance(reply, Reply) else await reply

    local.server.script = first_fails
    result, _ = await run(panel(TWO, ONE))
    assert [one.status for one in result.answers] == ["ok", "ok"]
    assert [call.error for call in result.bill.calls if call.model.endswith(TWO)] == [
        "upstream_error", None,
    ]  # fmt: skip


async def test_waiting_in_the_queue_does_not_hedge(local: Local) -> None:
    local.takes_s = 0.4
    seat = {"model": f"local:{ONE}", "fallbacks": [f"local:{TWO}"], "hedge_s": 1.0}
    chosen = settings(panel=[seat] * 5, judge="none", synthesizer=f"local:{ONE}")
    _, events = await run(chosen)
    assert not [event for event in events if event["type"] == "model.hedge"]
    assert set(local.models) == {ONE}


async def test_time_that_is_up_in_the_queue_is_no_call(local: Local) -> None:
    assert local.server is not None

    async def slow(seen: Seen) -> Reply:
        await asyncio.sleep(1.5)
        return text("It is 42.")

    local.server.script = slow
    chosen = settings(
        panel=[f"local:{ONE}"] * 3, judge="none", synthesizer=f"local:{ONE}", deadline_s=4
    )
    result, _ = await run(chosen)
    failed = {one.seat: one.reason for one in result.failed_members}
    made = [call.seat for call in result.bill.calls if call.seat in failed]
    assert failed
    assert len(made) < len(result.bill.calls)
    assert local.server.in_flight == 0


async def test_a_server_of_one_model_loads_each_once(local: Local) -> None:
    """Three served models, each with tools to call: they would be swapped at every turn."""
    chosen = load_settings({"preset": "local-small", "tools": []})
    result, events = await run(chosen)
    assert [one.model for one in result.panel] == [f"local:{m}" for m in (ONE, TWO, THREE)]
    assert [one.status for one in result.answers] == ["ok"] * 3
    assert local.models == [TWO, THREE, ONE, ONE, ONE]  # the judge's and the writer's comes last
    told = [event["seat"] for event in events if event["type"] == "model.wait"]
    assert sorted(told)[:2] == ["A", "C"]


def test_members_of_one_model_work_together_and_the_judges_come_last() -> None:
    seats = [("A", "x"), ("B", "y"), ("C", "x"), ("D", "z")]
    assert by_model(seats) == [{"A", "C"}, {"B"}, {"D"}]
    assert by_model(seats, "x") == [{"B"}, {"D"}, {"A", "C"}]


async def test_a_member_that_is_cancelled_while_it_waits_holds_up_nobody() -> None:
    turns, order = Turns([frozenset("A"), frozenset("B"), frozenset("C")]), list[str]()

    async def work(letter: str) -> None:
        async with turns.turn(letter) as parts:
            order.append(f"{letter}{parts}")
            await asyncio.sleep(0)

    tasks = {letter: asyncio.create_task(work(letter)) for letter in "CBA"}
    await asyncio.sleep(0)
    tasks["B"].cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    assert order == ["A3", "C1"]
