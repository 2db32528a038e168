"""A whole deliberation by a real model that is small and slow."""

from typing import Any

import pytest

from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.models.http import close_http_client
from langgraph_fusion.models.parallel import queue_for
from langgraph_fusion.models.providers import ModelRef
from tests.llama_server import llama_server

__all__ = ["llama_server"]


@pytest.mark.timeout(1800)  # a busy machine makes less than a token a second
async def test_the_local_preset_gets_an_answer_from_a_small_model(
    llama_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_BASE_URL", llama_server)
    for name in ("OLLAMA_BASE_URL", "LMSTUDIO_BASE_URL", "VLLM_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/v1")
    seat = {"model": "local:auto", "max_tokens": 24, "timeout_s": 600}
    chosen = load_settings({
        "preset": "local", "tools": [], "panel": [seat, seat], "synthesizer": seat,
        "judge": {"model": "local:auto", "max_tokens": 80, "timeout_s": 600},
    })  # fmt: skip
    events: list[dict[str, Any]] = []
    async for event in deliberate("What is the capital of France?", chosen):
        events.append(event)
    await close_http_client()
    result = FusionResult.model_validate(events[-1]["result"])
    assert result.answer
    assert [one.status for one in result.answers] == ["ok", "ok"]
    assert (result.bill.total.cost_usd, result.bill.total.known_cost_usd) == (0.0, 0.0)
    assert all((call.output_tokens or 0) <= 80 for call in result.bill.calls)
    assert not any(call.error == "timeout" for call in result.bill.calls)
    if result.analysis is not None:
        assert {seat for one in result.analysis.consensus for seat in one.seats} <= {"A", "B"}


@pytest.mark.timeout(1800)
async def test_small_models_work_one_after_the_other_on_a_server_of_one_slot(
    llama_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_BASE_URL", llama_server)
    for name in ("OLLAMA_BASE_URL", "LMSTUDIO_BASE_URL", "VLLM_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/v1")
    queue = await queue_for(ModelRef("local", "smollm2"))
    assert queue is not None
    assert queue.limit == 1  # as the server states it
    seat = {"model": "local:auto", "max_tokens": 16, "timeout_s": 600}
    chosen = load_settings({
        "preset": "local-small", "tools": [], "panel": [seat] * 3, "judge": "none",
        "synthesizer": seat,
    })  # fmt: skip
    events = [event async for event in deliberate("What is the capital of France?", chosen)]
    await close_http_client()
    result = FusionResult.model_validate(events[-1]["result"])
    assert [one.status for one in result.answers] == ["ok"] * 3
    spans = sorted((call.began_s or 0.0, call.seconds) for call in result.bill.calls)
    ends = [began + seconds for began, seconds in spans]
    assert all(end <= began + 0.05 for end, (began, _) in zip(ends, spans[1:], strict=False))
