"""A fault is mended at once, retried later, or neither; what a provider asked for holds for all."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.calls.holding_off import HoldingOff
from langgraph_fusion.graph.calls.retry import ATTEMPTS, CallFailed, Retrying, cannot_mend
from langgraph_fusion.graph.errors import AllMembersFailed
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.http import close_http_client
from langgraph_fusion.models.providers import ModelRef
from tests.graph.cast import JUDGE, A, B, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import hang, in_turn, status, structured, text


async def test_what_is_mended_uses_up_no_attempt(fuse: Fuse) -> None:
    shapeless = status(400, body={"error": {"message": "response_format is not supported"}})
    judge = in_turn(status(503), shapeless, status(503), structured({"best_answer": "A"}))
    fused = await fuse(cast({JUDGE: judge}), settings())
    assert len(fused.server.seen_by(JUDGE)) == ATTEMPTS + 1
    assert fused.result.degraded == ()
    told = [one["reason"] for one in fused.told("model.retry") if one["seat"] == "judge"]
    assert told == ["upstream_error", "upstream_error"]


async def test_no_more_attempts_are_made_than_allowed(fuse: Fuse) -> None:
    fused = await fuse(cast({A: status(503)}), settings())
    assert len(fused.server.seen_by(A)) == ATTEMPTS
    assert len(fused.told("model.retry")) == ATTEMPTS - 1


async def test_a_wait_is_kept_by_other_seats_although_the_fault_stays(fuse: Fuse) -> None:
    forbidden = status(403, headers={"Retry-After": "1"})
    script = cast({A: forbidden, B: in_turn(text("").after(0.3), text("Beta says 42."))})
    fused = await fuse(script, settings(panel=[A, B]))
    assert len(fused.server.seen_by(A)) == 1
    assert [one["seat"] for one in fused.told("model.wait")] == ["B"]


async def test_giving_up_on_a_held_off_model_holds_up_no_other() -> None:
    held, other = ModelRef.parse("v/a"), ModelRef.parse("v/b")
    holding_off = HoldingOff()
    holding_off.note(held, Fault("rate_limited", "", 429, 600.0, upstream=True), 600.0)

    async def call() -> AIMessage:
        raise AssertionError("it was told to wait")

    with pytest.raises(CallFailed, match="rate_limited"):
        await Retrying("A", held, call, cannot_mend, holding_off, left_s=lambda: 20.0).reply()
    assert holding_off.seconds(other) == 0


async def test_an_outage_is_waited_for_when_there_is_no_other_model(fuse: Fuse) -> None:
    passing = in_turn(*[status(503)] * (ATTEMPTS + 1), text("Alpha says 42."))
    fused = await fuse(cast({A: passing}), settings(deadline_s=900))
    assert fused.result.answers[0].status == "ok"
    assert len(fused.server.seen_by(A)) == ATTEMPTS + 2


@pytest.mark.parametrize(
    ("fault", "left_s", "has_another", "wait_s", "waits"),
    [
        (Fault("upstream_error", "", 503), 600.0, False, 20.0, True),
        (Fault("rate_limited", "", 429), 600.0, False, 20.0, True),
        (Fault("connection"), 600.0, False, 20.0, True),
        (Fault("connection"), 600.0, False, 61.0, False),  # more than a tenth
        (Fault("connection"), 600.0, True, 1.0, False),  # another model can do it now
        (Fault("connection"), 40.0, False, 1.0, False),  # a tenth is not worth it
        (Fault("empty"), 600.0, False, 1.0, False),  # no outage
    ],
)
def test_a_fair_share_of_the_time_is_spent_on_an_outage(
    fault: Fault, left_s: float, has_another: bool, wait_s: float, waits: bool
) -> None:
    async def call() -> AIMessage:
        raise AssertionError("not called")

    ref = ModelRef.parse("v/a")
    retrying = Retrying(
        "A", ref, call, cannot_mend, HoldingOff(), lambda: left_s, has_another=has_another
    )
    assert retrying.waits_out(fault, wait_s) is waits


async def test_a_server_that_does_not_run_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCAL_BASE_URL", "http://localhost:9/v1")  # nothing listens there
    seat = {"model": "local:m", "timeout_s": 600}
    chosen = settings(panel=[seat, seat], judge=seat, synthesizer=seat, deadline_s=1800)
    events: list[dict[str, Any]] = []

    async def run() -> None:
        async for event in deliberate("Why?", chosen):
            events.append(event)

    with pytest.raises(AllMembersFailed, match=r"localhost:9 .*LOCAL_BASE_URL"):
        await run()
    await close_http_client()
    assert [one["error"] for one in events if one["type"] == "model.call"] == ["connection"] * 2
    assert not [one for one in events if one["type"] == "model.retry"]


async def test_a_request_that_met_with_silence_is_not_repeated(fuse: Fuse) -> None:
    seat = {"model": A, "timeout_s": 0.5}
    fused = await fuse(cast({A: hang()}), settings(panel=[seat, B]))
    assert len(fused.server.seen_by(A)) == 1
    assert fused.result.failed_members[0].reason == "timeout"
