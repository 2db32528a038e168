"""A reply that comes slowly is told while it comes."""

import pytest

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.calls.seat_bill import LOCAL_MAX_TOKENS
from tests.graph.cast import WRITER, A, B, cast, settings
from tests.graph.conftest import Fuse, Serve
from tests.scripted import text


async def test_it_is_told_how_far_a_slow_reply_is(fuse: Fuse) -> None:
    words = "One two three four five six seven eight nine ten."
    fused = await fuse(cast({A: text(words, pace=0.4)}), settings(panel=[A, B]))
    told = [one for one in fused.told("model.progress") if one["seat"] == "A"]
    assert told
    counts = [one["chars"] for one in told]
    assert counts == sorted(counts)
    assert all(words.startswith(one["text"]) for one in told)
    assert not [one for one in fused.told("model.progress") if one["seat"] == "B"]


async def test_a_slow_reply_is_not_cut_off_by_the_limit_of_silence(fuse: Fuse) -> None:
    words = "One two three four five six seven eight nine ten."
    seat = {"model": A, "timeout_s": 1.5}
    fused = await fuse(cast({A: text(words, pace=0.4)}), settings(panel=[seat, B]))
    assert fused.result.answers[0].text == words


async def test_a_model_on_this_machine_costs_nothing_and_has_an_output_limit(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await serve(cast({A: text("Alpha says 42.", usage=None)}))
    monkeypatch.setenv("VLLM_BASE_URL", server.base_url)
    seats = settings(panel=[f"vllm:{A}", {"model": f"vllm:{B}", "max_tokens": 99}])
    result = await aask("What is it?", seats)
    members = [call for call in result.bill.calls if call.stage == "panel"]
    assert [call.cost_usd for call in members] == [0.0, 0.0]
    assert server.seen_by(A)[0].body["max_tokens"] == LOCAL_MAX_TOKENS
    assert server.seen_by(B)[0].body["max_tokens"] == 99
    assert not server.seen_by(WRITER)[0].body.keys() & {"max_tokens", "max_completion_tokens"}
