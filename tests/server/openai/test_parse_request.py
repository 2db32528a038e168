"""Every request form of the hosted product's contract becomes the settings it stands for."""

from typing import Any

import pytest
from pydantic import ValidationError

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.server.openai.parse_request import (
    run_request_from_chat,
    run_request_from_responses,
)
from langgraph_fusion.server.openai.protocol import ChatBody, ResponsesBody
from langgraph_fusion.server.runs.client_policy import (
    CLIENTS_OWN,
    OF_THE_REQUEST,
    OPERATORS_OWN,
    ClientPolicy,
)
from langgraph_fusion.server.runs.run_request import RunRequest

FUSION_TOOL = "openrouter:fusion"


def chat(policy: ClientPolicy | None = None, **body: Any) -> RunRequest:
    given = {"messages": [{"role": "user", "content": "Why?"}], "model": "fusion", **body}
    return run_request_from_chat(ChatBody.model_validate(given), policy or ClientPolicy())


def responses(policy: ClientPolicy | None = None, **body: Any) -> RunRequest:
    given = {"input": "Why?", "model": "fusion", **body}
    return run_request_from_responses(ResponsesBody.model_validate(given), policy or ClientPolicy())


def panel(settings: FusionSettings) -> list[str]:
    return [seat.model for seat in settings.panel]


BOTH = pytest.mark.parametrize("ask", [chat, responses])


@BOTH
@pytest.mark.parametrize(
    ("model", "preset"),
    [
        ("fusion", "offline"),
        ("openrouter/fusion", "offline"),
        ("openrouter/fusion:free", "offline"),
        ("openrouter/fusion-flash", "fast"),
        ("openrouter/fusion-flash:free", "fast"),
        ("fusion/quality", "quality"),
    ],
)
def test_the_alias_names_a_preset(ask: Any, model: str, preset: str) -> None:
    policy = ClientPolicy(default_preset="offline", models=("*",))
    run_request = ask(policy, model=model)
    assert run_request.settings.preset == preset
    assert run_request.requested == model


@BOTH
def test_the_response_names_the_model_that_writes(ask: Any) -> None:
    assert ask(model="fusion/budget").model == "anthropic/claude-opus-4.8"


@BOTH
@pytest.mark.parametrize(
    ("hosted", "ours"),
    [("general-high", "quality"), ("general-budget", "budget"), ("general-fast", "fast")],
)
def test_the_plugin_takes_the_hosted_presets(ask: Any, hosted: str, ours: str) -> None:
    run_request = ask(model="openrouter/fusion", plugins=[{"id": "fusion", "preset": hosted}])
    assert run_request.settings.preset == ours


@BOTH
def test_the_plugin_on_the_alias_sets_panel_judge_and_writer(ask: Any) -> None:
    plugin = {"id": "fusion", "analysis_models": ["v/a", "v/a"], "model": "v/c"}
    settings = ask(model="openrouter/fusion", plugins=[plugin | {"max_tool_calls": 6}]).settings
    assert panel(settings) == ["v/a", "v/a"]
    assert (settings.judge.model, settings.synthesizer.model) == ("v/c", "v/c")
    assert settings.max_tool_calls == 6


@BOTH
def test_the_plugin_on_an_outer_model_lets_that_model_write(ask: Any) -> None:
    plugin = {"id": "fusion", "analysis_models": ["v/a", "v/b"], "model": "v/c"}
    run_request = ask(model="v/x:free", plugins=[plugin])
    assert panel(run_request.settings) == ["v/a", "v/b"]
    assert run_request.settings.judge.model == "v/c"
    assert run_request.settings.synthesizer.model == run_request.model == "v/x:free"


@BOTH
def test_the_outer_model_judges_when_no_judge_is_named(ask: Any) -> None:
    assert ask(model="v/x", plugins=[{"id": "fusion"}]).settings.judge.model == "v/x"
    assert ask(model="v/x", tools=[{"type": FUSION_TOOL}]).settings.judge.model == "v/x"


@BOTH
def test_the_server_tool_takes_every_parameter(ask: Any) -> None:
    parameters = {
        "analysis_models": ["v/a", "v/b"],
        "model": "v/c",
        "max_tool_calls": 16,
        "max_completion_tokens": 16000,
        "reasoning": {"effort": "high", "max_tokens": 2000},
        "temperature": 0.7,
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
        "tools": [
            {"type": "openrouter:web_search", "parameters": {"excluded_domains": ["a.org"]}},
            {"type": "openrouter:web_fetch", "parameters": {"blocked_domains": ["b.org"]}},
            {"type": "openrouter:shell", "parameters": {"engine": "auto"}},
        ],
    }
    tool = {"type": FUSION_TOOL, "parameters": parameters}
    settings = ask(model="v/x", tools=[tool], tool_choice="required").settings
    for seat in (*settings.panel, settings.judge):
        assert seat.max_tokens == 16000
        assert seat.reasoning_effort == "high"
        assert seat.extra == {
            "reasoning": {"effort": "high", "max_tokens": 2000},
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        }
    assert [seat.temperature for seat in settings.panel] == [0.7, 0.7]
    assert settings.judge.temperature is None
    assert settings.tools == ("web_search", "web_fetch", "bash")
    assert settings.exclude == ("a.org", "b.org")
    assert settings.max_tool_calls == 16
    assert settings.synthesizer.model == "v/x"
    assert settings.synthesizer.max_tokens is None


@BOTH
def test_an_empty_list_of_tools_is_a_panel_without_tools(ask: Any) -> None:
    plugin = {"id": "fusion", "tools": []}
    settings = ask(model="fusion/offline", plugins=[plugin]).settings
    assert (settings.tools, settings.docs) == ((), None)


@BOTH
@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("analysis_models", []),
        ("analysis_models", ["v/a"] * 9),
        ("max_tool_calls", 0),
        ("max_tool_calls", 17),
        ("temperature", 2.1),
        ("reasoning", {"effort": "enormous"}),
        ("tools", [{"type": "openrouter:web_search"}] * 9),
        ("tools", [{"type": "openrouter:image_generation"}]),
        ("cache_control", {"type": "forever"}),
        ("panel_size", 3),
    ],
)
def test_what_is_out_of_range_or_unknown_is_named(ask: Any, field: str, wrong: Any) -> None:
    for form in (
        {"plugins": [{"id": "fusion", field: wrong}]},
        {"tools": [{"type": FUSION_TOOL, "parameters": {field: wrong}}]},
    ):
        with pytest.raises(ValidationError) as caught:
            ask(model="v/x", **form)
        assert any(field in error["loc"] for error in caught.value.errors())


@BOTH
def test_our_own_field_wins_over_the_hosted_form_and_the_preset(ask: Any) -> None:
    seat = {"model": "v/p*2", "temperature": 1, "instructions": "Be brief.", "tools": []}
    run_request = ask(
        model="fusion/budget",
        plugins=[{"id": "fusion", "analysis_models": ["v/a"], "temperature": 0.2}],
        fusion={"panel": [seat], "max_rounds": 2, "details": False, "progress": False},
    )
    assert panel(run_request.settings) == ["v/p", "v/p"]
    assert run_request.settings.panel[0].temperature == 1
    assert run_request.settings.max_rounds == 2
    assert (run_request.details, run_request.progress) == (False, False)


@BOTH
@pytest.mark.parametrize("length", ["auto", "brief", "full"])
def test_a_client_chooses_the_length(ask: Any, length: str) -> None:
    assert ask(fusion={"length": length}).settings.length == length


@BOTH
def test_an_unknown_setting_of_ours_is_named(ask: Any) -> None:
    with pytest.raises(ConfigError, match="max_roundz"):
        ask(fusion={"max_roundz": 2})


@BOTH
def test_a_model_without_any_sign_of_fusion_is_not_found(ask: Any) -> None:
    for model in ("gpt-4o", "v/x", "fusion/nowhere"):
        with pytest.raises(ConfigError, match="fusion/") as raised:
            ask(model=model)
        assert raised.value.code == "model_not_found"


@BOTH
def test_settings_of_the_server_itself_are_refused(ask: Any) -> None:
    given = {"docs": "/etc", "allow_networks": ["10.0.0.0/8"], "sandbox": {"runtime": "runc"}}
    for name, value in given.items():
        with pytest.raises(ConfigError, match=f"fusion.{name}"):
            ask(fusion={name: value})
        if name != "docs":
            assert ask(ClientPolicy(any_setting=True), fusion={name: value})


def test_every_setting_is_the_clients_the_requests_or_the_operators() -> None:
    """A new one is the operator's, and fails here, until somebody has chosen a side for it."""
    assert {"docs", "allow_networks", "sandbox"} == OPERATORS_OWN
    assert CLIENTS_OWN | OF_THE_REQUEST.keys() <= FusionSettings.model_fields.keys()
    assert not CLIENTS_OWN & OF_THE_REQUEST.keys()


@BOTH
def test_one_call_at_a_time_is_for_the_clients_own_tools(ask: Any) -> None:
    tool: Any = {"type": "function", "name": "f"}
    tool = tool if ask is responses else {"type": "function", "function": {"name": "f"}}
    assert ask(parallel_tool_calls=False, tools=[tool]).settings.parallel_tool_calls is False
    assert ask(tools=[tool]).settings.parallel_tool_calls is True
    assert ask(parallel_tool_calls=False).settings.client_tools == ()


@BOTH
def test_a_seat_cannot_smuggle_another_model_past_the_operator(ask: Any) -> None:
    extra = {"models": ["v/expensive"], "provider": {"order": ["x"]}}
    for field in ("panel", "judge", "synthesizer"):
        seat = {"model": "v/a", "extra": extra}
        with pytest.raises(ConfigError, match="models"):
            ask(fusion={field: [seat] if field == "panel" else seat})


@BOTH
def test_every_model_of_a_run_is_one_the_operator_permits(ask: Any) -> None:
    policy = ClientPolicy(default_preset="offline", models=("offline:*", "openrouter:v/*"))
    assert ask(policy, fusion={"panel": ["v/a"]})
    for changes in (
        {"fusion": {"panel": ["ollama:qwen3"]}},
        {"fusion": {"judge": {"model": "v/a", "fallbacks": ["w/b"]}}},
        {"model": "openai:gpt-9", "plugins": [{"id": "fusion"}]},
        {"model": "fusion/quality"},
    ):
        with pytest.raises(ConfigError, match="does not permit"):
            ask(policy, **changes)


@BOTH
def test_the_operators_limits_hold_whatever_a_client_asks(ask: Any) -> None:
    policy = ClientPolicy(max_deadline_s=60, max_budget_usd=1.0)
    settings = ask(policy, fusion={"deadline_s": 600, "budget_usd": 5}).settings
    assert (settings.deadline_s, settings.budget_usd) == (60, 1.0)
    settings = ask(policy, fusion={"deadline_s": 30, "budget_usd": 0.5}).settings
    assert (settings.deadline_s, settings.budget_usd) == (30, 0.5)


@BOTH
def test_parameters_of_the_request_are_for_the_writer(ask: Any) -> None:
    limit = "max_completion_tokens" if ask is chat else "max_output_tokens"
    effort: dict[str, Any] = {"reasoning": {"effort": "low"}}
    settings = ask(model="fusion/budget", temperature=0.3, **{limit: 900}, **effort).settings
    writer = settings.synthesizer
    assert (writer.temperature, writer.max_tokens, writer.reasoning_effort) == (0.3, 900, "low")
    assert settings.panel[0].temperature is None
    assert writer.fallbacks, "the preset's own are kept"


@pytest.mark.parametrize("part", ["input_audio", "video_url"])
def test_what_the_panel_cannot_read_is_refused(part: str) -> None:
    content = [{"type": "text", "text": "Look:"}, {"type": part, part: {}}]
    with pytest.raises(ValidationError, match="takes no audio"):
        chat(messages=[{"role": "user", "content": content}])
    with pytest.raises(ValidationError, match="takes no audio"):
        responses(input=[{"role": "user", "content": content}])


@BOTH
def test_tools_nobody_here_can_run_are_left_out_with_a_note(ask: Any) -> None:
    for kind in ("openrouter:datetime", "web_search", "code_interpreter"):
        request = ask(tools=[{"type": kind}])
        assert not request.settings.client_tools
        assert f"`{kind}`" in request.notes[0]


def test_a_conversation_keeps_its_speakers_and_its_tool_turns() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": x} for x in ("Why", "?")]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "7"},
        {"role": "assistant", "content": "It is 7."},
        {"role": "user", "content": "And now?"},
    ]  # fmt: skip
    turns = chat(messages=messages).messages
    kinds = ["system", "system", "human", "ai", "tool", "ai", "human"]
    assert [turn.type for turn in turns] == kinds
    assert turns[2].text == "Why?"
    assert turns[3].tool_calls[0]["args"] == {"a": 1}  # type: ignore[union-attr]

    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "Why?"}]},
        {"type": FUSION_TOOL, "id": "of_1", "status": "completed", "responses": []},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "call_2", "name": "f", "arguments": "not json"},
        {"type": "function_call_output", "call_id": "call_1", "output": "7"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "7."}]},
        {"role": "user", "content": "And now?"},
    ]  # fmt: skip
    turns = responses(input=items, instructions="Be kind.").messages
    assert [turn.type for turn in turns] == ["system", "human", "ai", "tool", "ai", "human"]
    assert len(turns[2].tool_calls) == len(turns[2].invalid_tool_calls) == 1  # type: ignore[union-attr]
