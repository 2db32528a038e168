import json

from tests.cli.warm import fusion


def test_every_preset_is_listed_with_its_panel_and_what_it_needs() -> None:
    shown = fusion("presets")
    assert shown.returncode == 0
    assert "budget needs OPENROUTER_API_KEY" in shown.stdout
    assert "offline ready" in shown.stdout
    assert "~anthropic/claude-opus-latest*3" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_with_a_key_a_preset_is_ready() -> None:
    shown = fusion("presets", env={"OPENROUTER_API_KEY": "sk-not-a-key"})
    assert "budget ready" in shown.stdout
    assert "sk-not-a-key" not in shown.stdout


def test_presets_as_json_name_what_is_missing() -> None:
    presets = {
        one["name"]: one for one in json.loads(fusion("presets", "--json").stdout)["presets"]
    }
    assert presets["budget"]["missing"] == ["OPENROUTER_API_KEY"]
    assert presets["offline"]["missing"] == []
    assert presets["self"]["panel"] == ["~anthropic/claude-opus-latest"] * 3
    assert set(presets["quality"]) == {
        "name", "description", "panel", "judge", "synthesizer", "missing", "cost_usd",
    }  # fmt: skip
