"""Which of the operator's keys and servers a client's run may use."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import JUDGE, WRITER, A, cast
from tests.server.asking import MESSAGES, PANEL
from tests.server.conftest import Serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LangServe calls what is old
OTHERS = (
    "openai:gpt-5.5", "anthropic:claude", "azure_openai:gpt", "bedrock_converse:x", "deepseek:x",
    "ollama:qwen3", "lmstudio:x", "vllm:x", "local:auto", "local:x", "google_vertexai:x", "xai:g",
)  # fmt: skip


def _seats(other: str) -> list[dict[str, Any]]:
    """The other model in every seat of a run, and as every seat's fallback."""
    fallback = {"model": A, "fallbacks": [other]}
    return [
        {"panel": [A, other]}, {"judge": other}, {"synthesizer": other}, {"panel": [fallback]},
        {"judge": {"model": JUDGE, "fallbacks": [other]}},
        {"synthesizer": {"model": WRITER, "fallbacks": [other]}},
        {"synthesizer": other, "mode": "direct"},
    ]  # fmt: skip


@pytest.mark.parametrize("other", OTHERS)
def test_other_providers_than_the_presets_are_refused_in_every_seat(other: str) -> None:
    for seats in _seats(other):
        with pytest.raises(ConfigError, match="does not permit"):
            ClientPolicy(default_preset="budget").settings(PANEL | seats)
        assert ClientPolicy(models=("*",)).settings(PANEL | seats)


@pytest.mark.parametrize("preset", ["local", "careless"])
def test_a_preset_of_other_providers_is_refused_and_the_offline_one_is_not(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "presets.toml"
    own.write_text('[careless]\nextends = "budget"\njudge = "openai:gpt-5.5"\n')
    monkeypatch.setenv("FUSION_PRESETS", str(own))
    policy = ClientPolicy(default_preset="budget")
    with pytest.raises(ConfigError, match="does not permit"):
        policy.settings({"preset": preset})
    assert policy.settings({"preset": "offline"})
    assert ClientPolicy(default_preset=preset).settings({})


def test_a_server_of_local_models_permits_local_servers_and_no_keys() -> None:
    policy = ClientPolicy(default_preset="local")
    for local in ("local:auto", "ollama:qwen3", "vllm:x"):
        assert policy.settings({"panel": [local]})
    for paid in (A, "openai:gpt-5.5"):
        with pytest.raises(ConfigError, match="does not permit"):
            policy.settings({"panel": [paid]})


@pytest.mark.parametrize("other", ["openai:gpt-5.5", "ollama:qwen3"])
async def test_no_door_calls_another_provider(
    other: str, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await serving(cast())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-operators-own")
    for name in ("OPENAI_BASE_URL", "OLLAMA_BASE_URL"):
        monkeypatch.setenv(name, served.models.base_url)
    fusion = PANEL | {"panel": [A, other]}
    asked = {"messages": [{"type": "human", "content": "?"}]}
    plugin = {"id": "fusion", "analysis_models": [A, other], "model": JUDGE}
    forms: list[tuple[str, dict[str, Any]]] = [
        ("/v1/chat/completions", {"model": "fusion", "messages": MESSAGES, "fusion": fusion}),
        ("/v1/estimate", {"model": "fusion", "messages": MESSAGES, "fusion": fusion}),
        ("/v1/chat/completions", {"model": WRITER, "messages": MESSAGES, "plugins": [plugin]}),
        ("/v1/chat/completions", {"model": other, "messages": MESSAGES}),
        ("/v1/responses", {"model": "fusion", "input": "?", "fusion": fusion}),
        ("/fusion/invoke", {"input": asked, "config": {"configurable": fusion}}),
    ]
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        for path, sent in forms:
            refused = await http.post(path, json=sent)
            assert refused.status_code in (400, 404), (path, sent, refused.text)
    assert not served.models.requests


TRUSTED = ClientPolicy(models=("*",), any_setting=True)


@pytest.mark.parametrize("field", ["panel", "judge", "synthesizer"])
@pytest.mark.parametrize(
    "extra",
    [
        {"azure_endpoint": "https://evil.example"},
        {"base_url": "https://evil.example"},
        {"model_kwargs": {"extra_headers": {"x": "y"}}},
        {"some_new_argument": 1},
        {"disable_streaming": True},
    ],
)
def test_trusted_clients_cannot_redirect_a_key_by_an_argument(
    field: str, extra: dict[str, Any]
) -> None:
    seat = {"model": "azure_openai:gpt", "extra": extra}
    with pytest.raises(ConfigError):
        TRUSTED.settings(PANEL | {field: [seat] if field == "panel" else seat})
    fine = {"model": "azure_openai:gpt", "extra": {"top_p": 0.5, "stop": ["x"]}}
    assert TRUSTED.settings(PANEL | {field: [fine] if field == "panel" else fine})
    body = {"model": "v/m", "extra": {"some_new_field": 1}}
    assert TRUSTED.settings(PANEL | {field: [body] if field == "panel" else body})


def test_clients_search_with_free_engines_and_those_of_the_operator() -> None:
    policy = ClientPolicy()
    assert policy.settings({"search": "searxng,ddgs"}).search == ("searxng", "ddgs")
    with pytest.raises(ConfigError, match="does not permit `brave`; it permits ddgs"):
        policy.settings({"search": ["ddgs", "brave"]})
    assert policy.settings({"search": "brave"}, {"search": "brave,exa"}).search == ("brave",)
    trusting = ClientPolicy(any_setting=True)
    assert trusting.settings({"search": "kagi"}).search == ("kagi",)
