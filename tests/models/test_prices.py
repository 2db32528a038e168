import re
from pathlib import Path

import pytest

from langgraph_fusion.models.errors import ModelConfigError
from langgraph_fusion.models.prices import FREE, Price, default_prices, load_prices
from langgraph_fusion.models.providers import ModelRef


def price(text: str) -> Price | None:
    return default_prices().price_of(ModelRef.parse(text))


def test_one_entry_serves_the_vendor_and_openrouter() -> None:
    assert price("openai:gpt-5.5") == price("openai/gpt-5.5") == Price(5.0, 30.0, 0.5)
    assert price("anthropic:claude-opus-4-8") == price("anthropic/claude-opus-4.8")
    assert price("openai:gpt-5-2025-08-07") == price("openai:gpt-5")


def test_a_providers_own_price_wins() -> None:
    assert price("deepseek:deepseek-v4-pro") != price("deepseek/deepseek-v4-pro")


def test_unknown_models_and_variants_have_no_price() -> None:
    assert price("vendor/unlisted") is None
    assert price("openai/gpt-5.5:online") is None
    assert price("groq:llama") is None
    assert price("vendor/unlisted:free") == FREE


def test_a_users_file_adds_and_replaces(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        '"openai/gpt-5.5" = { input = 1, output = 2 }\n"ollama:big" = { input = 3.0, output = 4.0 }'
    )
    table = load_prices(file)
    assert table.price_of(ModelRef.parse("openai/gpt-5.5")) == Price(1.0, 2.0)
    assert table.price_of(ModelRef.parse("ollama:big")) == Price(3.0, 4.0)
    assert table.price_of(ModelRef.parse("openai/gpt-5")) == price("openai/gpt-5")


@pytest.mark.parametrize(
    "text", ['"a/b" = 3', '"a/b" = { input = 1 }', "a b", '"a/b" = {input=-1, output=1}']
)
def test_a_bad_file_is_refused_by_name(text: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(ModelConfigError, match=r"prices\.toml"):
        load_prices(file)
    with pytest.raises(ModelConfigError, match="nowhere"):
        load_prices(tmp_path / "nowhere")


def test_a_cost_is_unknown_when_tokens_are() -> None:
    assert Price(1.0, 2.0).cost_of(None, 5, None) is None
    assert Price(1.0, 2.0).cost_of(1_000_000, 500_000, None) == 2.0
    assert FREE.cost_of(None, None, None) == 0.0


def test_every_model_of_a_shipped_preset_has_a_price() -> None:
    text = Path(__file__).parents[2].joinpath("graph", "presets.toml").read_text(encoding="utf-8")
    seated = set(re.findall(r'"(~?[\w.-]+/[\w.~-]+)', text))
    assert "~moonshotai/kimi-latest" in seated
    assert [name for name in sorted(seated) if price(name) is None] == []
