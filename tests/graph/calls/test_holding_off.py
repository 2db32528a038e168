"""A provider that tells one seat to wait is left alone by all of them."""

import os

import pytest

from langgraph_fusion.graph.calls.holding_off import MOST_SHARED_S, HoldingOff
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef
from tests.graph.cast import JUDGE, WRITER, A, B, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Seen, in_turn, status, text

WAIT = {"Retry-After": "1"}


async def test_all_seats_wait_when_one_is_told_to(fuse: Fuse) -> None:
    told: list[float] = []

    def first(seen: Seen) -> Reply:
        told.append(seen.at)
        return status(429, headers=WAIT) if len(told) == 1 else text("Alpha says 42.")

    script = cast({A: first, B: in_turn(text("").after(0.3), text("Beta says 42."))})
    fused = await fuse(script, settings(panel=[A, B]))
    again = [seen for seen in fused.server.requests if seen.at > told[0] + 0.3]
    assert all(seen.at >= told[0] + 0.95 for seen in again)
    assert [one["seat"] for one in fused.told("model.wait")] == ["B"]
    assert [answer.status for answer in fused.result.answers] == ["ok", "ok"]


async def test_one_vendors_limit_behind_a_router_holds_up_its_model_only(fuse: Fuse) -> None:
    error = {"message": "limited", "code": 429, "metadata": {"provider_name": "Fast"}}
    limited = status(429, headers=WAIT, body={"error": error})
    script = cast({A: in_turn(limited, text("Alpha.")), B: in_turn(text(""), text("Beta."))})
    fused = await fuse(script, settings(panel=[A, B]))
    assert not fused.told("model.wait")
    assert fused.server.seen_by(B)[1].at < fused.server.seen_by(A)[1].at


async def test_a_wait_longer_than_the_stage_is_not_tried(fuse: Fuse) -> None:
    limited = status(429, headers={"Retry-After": "600"})
    fused = await fuse(cast({A: limited, B: text("Beta.")}), settings(panel=[A, B], deadline_s=20))
    failed = fused.result.failed_members[0]
    assert (failed.reason, failed.status_code) == ("rate_limited", 429)
    assert len(fused.server.seen_by(A)) == 1
    assert fused.result.answer == "Done.", "other models of the provider are asked all the same"


async def test_who_was_told_to_wait_is_not_called_again_before(fuse: Fuse) -> None:
    limited = status(429, headers={"Retry-After": "600"})
    given = settings(panel=[A, B], judge=A, synthesizer=B, deadline_s=20)
    fused = await fuse(cast({A: limited, B: text("Beta.")}), given)
    assert len(fused.server.seen_by(A)) == 1
    assert fused.result.degraded == ("judge_upstream_error",)
    assert "the judge could not be asked" in fused.result.notes[0]


def test_free_models_of_a_router_are_counted_apart() -> None:
    holding_off = HoldingOff()
    free, other, paid = (ModelRef.parse(name) for name in ("v/a:free", "v/b:free", "v/c"))
    holding_off.note(free, Fault("rate_limited", "free-models-per-day", 429, 3600.0), 3600.0)
    assert holding_off.seconds(paid) == 0
    assert 0 < holding_off.seconds(other) <= MOST_SHARED_S
    assert holding_off.seconds(free) > MOST_SHARED_S


async def test_a_fallback_of_another_provider_need_not_wait(
    fuse: Fuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def limited(seen: Seen) -> Reply:
        monkeypatch.setenv("VLLM_BASE_URL", os.environ["OPENROUTER_BASE_URL"])
        return status(429, headers={"Retry-After": "600"})

    others = {"judge": f"vllm:{JUDGE}", "synthesizer": f"vllm:{WRITER}"}
    panel = [{"model": A, "fallbacks": [f"vllm:{B}"]}]
    fused = await fuse(cast({A: limited}), settings(panel=panel, **others))
    answer = fused.result.answers[0]
    assert (answer.model, answer.switches[0].reason) == (f"vllm:{B}", "rate_limited")
    assert fused.result.answer == "Done."
