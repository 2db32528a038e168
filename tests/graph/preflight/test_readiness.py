from pathlib import Path

import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.preflight.readiness import (
    BUILTIN_DOCS,
    check_ready,
    default_preset,
    docs_folder,
    user_prices,
)
from langgraph_fusion.graph.settings import load_settings
from tests.graph.cast import settings
from tests.scripted import scripted_server, text

OFFLINE = {"OLLAMA_HOST", "OLLAMA_BASE_URL", "LMSTUDIO_BASE_URL", "VLLM_BASE_URL"}


@pytest.fixture(autouse=True)
def no_local_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OFFLINE:
        monkeypatch.setenv(name, "http://127.0.0.1:9/v1")  # the discard port: nobody listens


async def test_every_missing_thing_is_named_at_once(tmp_path: Path) -> None:
    wrong = settings(docs=f"{tmp_path}/none", tools=["docs"], search="searxng", budget_usd=1)
    with pytest.raises(ConfigError) as caught:
        await check_ready(wrong, user_prices())
    for named in ("OPENROUTER_API_KEY", "SEARXNG_URL", "there is no folder", "budget_usd"):
        assert named in str(caught.value)
    assert "--preset offline" in str(caught.value)


async def test_a_file_in_the_place_of_a_folder_names_its_folder(tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text("# Note")
    wrong = load_settings({"preset": "offline", "docs": str(note)})
    with pytest.raises(ConfigError) as caught:
        await check_ready(wrong, user_prices())
    assert f"docs: {str(note)!r} is a file; name its folder, {str(tmp_path)!r}." in str(
        caught.value
    )


async def test_a_provider_whose_package_is_missing_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "x")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    with pytest.raises(ConfigError, match="pip install langchain-anthropic"):
        await check_ready(settings(panel=["anthropic:claude-opus-4-8"]), user_prices())


async def test_the_preset_follows_what_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    name, why = await default_preset()
    assert name == "offline"
    assert "OPENROUTER_API_KEY" in why
    async with scripted_server(lambda _: text("x"), models=["qwen3:8b"]) as server:
        monkeypatch.setenv("OLLAMA_BASE_URL", server.base_url)
        assert (await default_preset())[0] == "local"
        monkeypatch.setenv("OPENROUTER_API_KEY", "x")
        assert (await default_preset())[0] == "budget"


async def test_the_local_preset_seats_what_the_server_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with scripted_server(lambda _: text("x"), models=["qwen3:8b", "gemma4"]) as server:
        monkeypatch.setenv("OLLAMA_BASE_URL", server.base_url)
        ready = await check_ready(load_settings({"preset": "local"}), user_prices())
    models = [seat.model for seat in ready.panel]
    assert models == ["ollama:qwen3:8b", "ollama:gemma4"]
    assert ready.judge
    assert ready.judge.model == "ollama:qwen3:8b"


async def test_the_local_preset_without_a_server_says_what_to_start() -> None:
    with pytest.raises(ConfigError, match="Start Ollama"):
        await check_ready(load_settings({"preset": "local"}), user_prices())


def test_the_projects_own_documents_are_shipped() -> None:
    assert (docs_folder(BUILTIN_DOCS) / "architecture.md").is_file()


def test_a_broken_price_file_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('"m/a" = { input = "cheap" }')
    monkeypatch.setenv("FUSION_PRICES", str(prices))
    with pytest.raises(ConfigError, match="prices"):
        user_prices()
