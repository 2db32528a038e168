"""What an operator sees: probes, metrics and the log."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import httpx2
import pytest

from langgraph_fusion.server.logging import LOGGER, JsonLines
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import A, B, C, cast
from tests.scripted import status
from tests.server.asking import asking
from tests.server.conftest import Served, Serving


async def _get(served: Served, path: str) -> httpx2.Response:
    async with httpx2.AsyncClient() as client:
        return await client.get(f"{served.url}{path}")


def _value(page: str, name: str) -> float:
    return next(float(line.split()[-1]) for line in page.splitlines() if line.startswith(name))


async def test_a_living_process_is_healthy_and_ready(serving: Serving) -> None:
    served = await serving(cast())
    assert (await _get(served, "/healthz")).json() == {"status": "ok"}
    ready = await _get(served, "/readyz")
    assert ready.status_code == 200, ready.text
    assert ready.json()["checks"]["panel"]["ok"]


async def test_a_server_whose_panel_has_no_key_is_not_ready(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await serving(cast(), policy=ClientPolicy(default_preset="budget"))
    monkeypatch.delenv("OPENROUTER_API_KEY")
    ready = await _get(served, "/readyz")
    assert ready.status_code == 503
    assert "OPENROUTER_API_KEY" in ready.json()["checks"]["panel"]["detail"]


async def test_probes_that_follow_one_another_ask_the_engine_once(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.close()

    own = tmp_path / "presets.toml"
    own.write_text(
        '[shell]\npanel = ["offline:careful"]\njudge = "offline:judge"\n'
        'synthesizer = "offline:writer"\ntools = ["bash"]\n'
    )
    monkeypatch.setenv("FUSION_PRESETS", str(own))
    engine = await asyncio.start_unix_server(hang_up, tmp_path / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")
    async with engine:
        served = await serving(cast(), policy=ClientPolicy(default_preset="shell"))
        first = await _get(served, "/readyz")
        assert not first.json()["checks"]["engine"]["ok"]
        connections = asked
        assert connections > 0
        later = await asyncio.gather(*(_get(served, "/readyz") for _ in range(5)))
        assert [one.json() for one in later] == [first.json()] * 5
        assert asked == connections


async def test_metrics_count_what_the_models_billed(serving: Serving) -> None:
    served = await serving(cast({C: status(400)}))
    await served.client.chat.completions.create(**asking())
    page = (await _get(served, "/metrics")).text
    billed = served.models.usage()
    tokens = [line for line in page.splitlines() if line.startswith("fusion_tokens_total")]
    counted = {kind: 0.0 for kind in ("input", "output")}
    for line in tokens:
        for kind in counted:
            counted[kind] += float(line.split()[-1]) if f'kind="{kind}"' in line else 0
    assert counted == {"input": billed.prompt_tokens, "output": billed.completion_tokens}
    costs = [line for line in page.splitlines() if line.startswith("fusion_cost_usd_total")]
    assert sum(float(line.split()[-1]) for line in costs) == pytest.approx(billed.cost)
    assert _value(page, 'fusion_runs_total{door="chat",outcome="ok"}') == 1
    assert _value(page, 'fusion_answers_total{seat="A",status="ok"}') == 1
    assert _value(page, 'fusion_member_failures_total{reason="upstream_error"}') == 1
    assert _value(page, 'fusion_stage_seconds_count{stage="judge"}') == 1
    for gauge in ("fusion_runs_in_flight", "fusion_queue", "fusion_sandboxes"):
        assert _value(page, gauge) == 0


async def test_the_log_names_the_run_and_holds_nobodys_text(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    served = await serving(cast(answer="A secret answer."))
    reply = await served.client.chat.completions.create(**asking())
    lines = _lines(caplog)
    ended = next(line for line in lines if line["event"] == "run.ended")
    result: dict[str, Any] = (reply.model_extra or {})["fusion"]
    assert ended["run_id"] == result["run_id"]
    assert ended["outcome"] == "ok"
    assert ended["request_id"] == next(x for x in lines if x["event"] == "request")["request_id"]
    told = json.dumps(lines)
    for private in ("secret", "What is it?", "sk-or-"):
        assert private not in told


async def test_texts_are_logged_only_when_asked_for(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    served = await serving(cast(answer="An answer."), log_prompts=True)
    await served.client.chat.completions.create(**asking())
    told = json.dumps(_lines(caplog))
    assert "What is it?" in told
    assert "An answer." in told


async def test_a_failed_run_is_logged_with_its_reason_alone(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    said = {"error": {"message": "you asked: What is it?"}}
    served = await serving(cast({one: status(400, body=said) for one in (A, B, C)}))
    async with httpx2.AsyncClient() as client:
        request = {"model": "fusion", "messages": asking()["messages"]} | asking()["extra_body"]
        await client.post(f"{served.url}/v1/chat/completions", json=request)
    ended = next(line for line in _lines(caplog) if line["event"] == "run.ended")
    assert (ended["outcome"], ended["level"]) == ("all_panels_failed", "warning")
    assert "What is it?" not in json.dumps(_lines(caplog))


def _lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    form = JsonLines()
    return [json.loads(form.format(one)) for one in caplog.records if one.name == LOGGER]
