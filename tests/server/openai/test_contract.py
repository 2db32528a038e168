"""Every request form of the hosted product's contract, sent as documented to both endpoints, and
every field that is documented for what comes back."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import JUDGE, WRITER, A, B, C, cast
from tests.scripted import status, text
from tests.server.conftest import Served, Serving

QUESTION = "What is it?"
PRESETS = f"""
[ours]
description = "Scripted models"
panel = ["{A}", "{B}", "{C}"]
judge = "{JUDGE}"
synthesizer = "{WRITER}"
tools = []
max_rounds = 0
"""
PLUGIN: dict[str, Any] = {"id": "fusion", "analysis_models": [A, B], "model": JUDGE, "tools": []}
PARAMETERS = {
    "analysis_models": [A, A], "model": JUDGE, "temperature": 0.7,
    "reasoning": {"effort": "high"}, "max_completion_tokens": 16000, "tools": [],
}  # fmt: skip
SERVER_TOOL = {"type": "openrouter:fusion", "parameters": PARAMETERS}
FORMS: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "alias": ({"model": "openrouter/fusion"}, [A, B, C], WRITER),
    "alias with a suffix": ({"model": "openrouter/fusion:free"}, [A, B, C], WRITER),
    "alias and plugin": ({"model": "openrouter/fusion", "plugins": [PLUGIN]}, [A, B], JUDGE),
    "flash and plugin": ({"model": "openrouter/fusion-flash", "plugins": [PLUGIN]}, [A, B], JUDGE),
    "plugin": ({"model": WRITER, "plugins": [PLUGIN]}, [A, B], WRITER),
    "server tool": (
        {"model": WRITER, "tools": [SERVER_TOOL], "tool_choice": "required"}, [A, A], WRITER,
    ),
    "alias and server tool": (
        {"model": "openrouter/fusion", "tools": [SERVER_TOOL]}, [A, A], JUDGE,
    ),
}  # fmt: skip
"""Each with the panel it seats and the model that writes."""
SWITCHED_OFF: list[dict[str, Any]] = [
    {"model": "openrouter/fusion", "plugins": [{"id": "fusion", "enabled": False}]},
    {"model": "openrouter/fusion", "tool_choice": "none"},
]
USAGE = {"total_tokens", "cost", "cost_details", "is_byok", "server_tool_use_details"}
CHAT_USAGE = USAGE | {
    "prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details",
}  # fmt: skip
RESPONSES_USAGE = USAGE | {
    "input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details",
}  # fmt: skip
TOOL_USE = {"tool_calls_requested", "tool_calls_executed", "web_search_requests"}


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClientPolicy:
    presets = tmp_path / "presets.toml"
    presets.write_text(PRESETS)
    monkeypatch.setenv("FUSION_PRESETS", str(presets))
    return ClientPolicy(default_preset="ours")


async def _post(served: Served, path: str, form: dict[str, Any]) -> Any:
    asked = {"messages": [{"role": "user", "content": QUESTION}], "input": QUESTION}
    async with httpx2.AsyncClient(timeout=60) as client:
        response = await client.post(f"{served.url}/v1/{path}", json=asked | form)
    assert response.status_code == 200, response.text
    return response.json()


def _script(writer: str) -> Any:
    """JUDGE writes as well when the form says so: its last call wants no JSON."""
    analysis = cast()
    return lambda seen: (
        text("It is 42.") if seen.model == writer and not seen.wants_json else analysis(seen)
    )


@pytest.mark.parametrize("name", FORMS)
async def test_a_form_seats_its_panel_on_both_endpoints(
    name: str, serving: Serving, policy: ClientPolicy
) -> None:
    form, panel, writer = FORMS[name]
    served = await serving(_script(writer), policy=policy)
    chat = await _post(served, "chat/completions", form)
    (choice,) = chat["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("It is 42.", "stop")
    assert chat["usage"].keys() == CHAT_USAGE
    _check_panel(served, panel)
    response = await _post(served, "responses", form)
    fusion, message = response["output"]
    assert message["content"][0]["text"] == "It is 42."
    assert (fusion["type"], fusion["status"]) == ("openrouter:fusion", "completed")
    assert [one["model"] for one in fusion["responses"]] == panel
    assert all(one["content"] for one in fusion["responses"])
    assert response["usage"].keys() == RESPONSES_USAGE
    for said in (chat, response):
        assert said["model"] == writer, "never the alias"
        assert said["usage"]["server_tool_use_details"].keys() == TOOL_USE
        assert "upstream_inference_cost" in said["usage"]["cost_details"]
    billed = chat["usage"]["cost"] + response["usage"]["cost"]
    assert billed == pytest.approx(served.models.usage().cost)


def _check_panel(served: Served, panel: list[str]) -> None:
    asked = [seen.model for seen in served.models.requests if seen.model in (A, B, C)]
    assert sorted(asked) == sorted(panel)


async def test_the_parameters_of_the_server_tool_reach_panel_and_judge(
    serving: Serving, policy: ClientPolicy
) -> None:
    served = await serving(_script(WRITER), policy=policy)
    await _post(served, "responses", FORMS["server tool"][0])
    for seen in served.models.seen_by(A):
        assert seen.body["temperature"] == 0.7
        assert seen.body["max_completion_tokens"] == 16000
        assert seen.body["reasoning"] == {"effort": "high"}
    (judge,) = served.models.seen_by(JUDGE)
    assert judge.body["max_completion_tokens"] == 16000


@pytest.mark.parametrize("path", ["chat/completions", "responses"])
async def test_a_form_that_switches_it_off_asks_no_panel(
    path: str, serving: Serving, policy: ClientPolicy
) -> None:
    served = await serving(cast(answer="Just me."), policy=policy)
    for form in SWITCHED_OFF:
        await _post(served, path, form)
    assert {seen.model for seen in served.models.requests} == {WRITER}


async def test_a_failed_member_is_named_with_its_error_and_status(
    serving: Serving, policy: ClientPolicy
) -> None:
    served = await serving(cast({C: status(401)}), policy=policy)
    response = await _post(served, "responses", FORMS["alias"][0])
    item = response["output"][0]
    (failed,) = item["failed_models"]
    assert failed.keys() == {"model", "error", "status_code"}
    assert (failed["model"], failed["status_code"]) == (C, 401)
    assert [one["model"] for one in item["responses"]] == [A, B]
    assert item["analysis"].keys() == {
        "consensus", "contradictions", "partial_coverage", "unique_insights", "blind_spots",
    }  # fmt: skip
