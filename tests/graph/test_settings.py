from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.presets import preset_descriptions
from langgraph_fusion.graph.seat import PanelSeat
from langgraph_fusion.graph.settings import FusionSettings, load_settings

SEAT = {"model": "m/a"}


@pytest.mark.parametrize("preset", list(preset_descriptions()))
def test_every_shipped_preset_is_valid_and_says_what_it_is_for(preset: str) -> None:
    chosen = load_settings({"preset": preset})
    assert chosen.preset == preset
    assert preset_descriptions()[preset]
    if not preset.startswith("local"):  # whatever is served
        judge = chosen.judge and chosen.judge.model
        assert judge != chosen.synthesizer.model, "no judge for its own writing"


def test_what_is_given_wins_over_the_preset_and_the_preset_over_the_default() -> None:
    assert load_settings({"preset": "fast"}).max_rounds == 0
    assert load_settings({"preset": "fast", "max_rounds": 2}).max_rounds == 2


@pytest.mark.parametrize(
    "asked",
    [
        {"max_rounds": 1},
        {"mode": "analysis"},
        {"panel_growth": "adaptive"},
        {"verify": "judge"},
        {"judge": "~google/gemini-flash-latest"},
    ],
)
def test_what_only_a_judge_can_do_brings_the_judge_of_fast_back(asked: dict[str, Any]) -> None:
    plain = load_settings({"preset": "fast"})
    assert plain.judge is None
    for chosen in (load_settings({"preset": "fast", **asked}), plain.changed(**asked)):
        assert chosen.judge is not None
        assert chosen.judge.model == "~google/gemini-flash-latest"
        assert chosen.changed(seed=1).judge == chosen.judge


def test_a_judge_that_was_refused_stays_away() -> None:
    chosen = load_settings({"preset": "fast", "judge": "none", "max_rounds": 2})
    assert chosen.judge is None
    assert chosen.changed(seed=1, max_rounds=0).judge is None
    assert load_settings({"preset": "fast", "max_rounds": 0, "seed": 3}).judge is None


def test_a_preset_that_extends_fast_by_rounds_has_its_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    presets = tmp_path / "presets.toml"
    presets.write_text(
        '[mine]\nextends = "fast"\nmax_rounds = 1\n[plain]\nextends = "fast"\n'
        '[own]\nextends = "fast"\njudge = "none"\n'
    )
    monkeypatch.setenv("FUSION_PRESETS", str(presets))
    assert load_settings({"preset": "mine"}).judge is not None
    assert load_settings({"preset": "plain"}).judge is None
    assert load_settings({"preset": "plain", "max_rounds": 1}).judge is not None
    assert load_settings({"preset": "own", "max_rounds": 1}).judge is None
    assert load_settings({"preset": "budget"}).max_rounds == 1


def test_settings_survive_json_and_cannot_be_changed() -> None:
    chosen = load_settings({"preset": "self", "exclude": ["example.org"]})
    assert FusionSettings.model_validate_json(chosen.model_dump_json()) == chosen
    with pytest.raises(ValueError, match="frozen"):
        chosen.max_rounds = 3


def test_a_starred_model_sits_in_several_seats_with_the_same_parameters() -> None:
    panel = [{"model": "m/a * 2", "temperature": 0.5}, "m/b"]
    chosen = load_settings({"panel": panel})
    assert [seat.model for seat in chosen.panel] == ["m/a", "m/a", "m/b"]
    assert chosen.panel[1].temperature == 0.5
    assert chosen.letters == "ABC"


def test_tools_default_to_web_and_bash_and_to_docs_with_a_folder() -> None:
    chosen = load_settings({"panel": [SEAT]})
    assert chosen.tools_of(chosen.panel[0]) == ("web_search", "web_fetch", "bash")
    chosen = load_settings({"panel": [SEAT, {**SEAT, "tools": []}], "docs": "papers"})
    assert chosen.tools_of(chosen.panel[0]) == ("web_search", "web_fetch", "docs", "bash")
    assert chosen.tools_of(chosen.panel[1]) == ()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"presett": "fast"}, "presett"),
        ({"preset": "nope"}, "choose one of quality, budget"),
        ({"panel": []}, "panel: .*at least 1"),
        ({"panel": ["m/a*9"]}, "1 to 8"),
        ({"panel": ["m/a"] * 9}, "panel: .*at most 8"),
        ({"panel": "m/a"}, "panel: give a list"),
        ({"panel": [{"model": "m/a", "temprature": 1}]}, r"panel\.0\.temprature"),
        ({"panel": ["gpt-5"]}, r"panel\.0\.model"),
        ({"max_rounds": 4}, "max_rounds"),
        ({"max_rounds": "many"}, "max_rounds"),
        ({"min_answers": 4}, "min_answers: 4 answers from a panel of 3"),
        ({"quorum": 4}, "quorum: 4 answers from a panel of 3"),
        ({"docs": "x", "tools": ["bash"]}, r"tools: a docs folder is named \('x'\)"),
        ({"tools": ["web_search"], "require_sandbox": True}, "require_sandbox: no seat"),
        ({"exclude": ["http://*"]}, "exclude"),
        ({"allow_networks": ["10.0.0.0/99"]}, "allow_networks"),
        ({"budget_usd": 0}, "budget_usd"),
        ({"deadline_s": -1}, "deadline_s"),
        ({"judge": {"model": "m/j", "fallbacks": ["m/j"]}}, "fallbacks: the same model"),
        ({"sandbox": {"privileged": True}}, r"sandbox.*privileged"),
        ({"sandbox": {"volumes": ["/:/host"]}}, r"sandbox.*volumes"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load_settings(given)


def test_an_error_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"max_rounds": "sk-or-v1-secret"})
    assert "secret" not in str(caught.value)


def test_the_users_presets_extend_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "mine.toml"
    own.write_text('[mine]\nextends = "budget"\ndescription = "Mine"\nmax_rounds = 3\n')
    monkeypatch.setenv("FUSION_PRESETS", str(own))
    chosen = load_settings({"preset": "mine"})
    assert (chosen.max_rounds, len(chosen.panel)) == (3, 3)
    assert preset_descriptions()["mine"] == "Mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mine\n", "cannot be read"),
        ("mine = 1\n", "is not a table"),
        ('[mine]\nextends = "mine"\n', "circle"),
        ('[mine]\nextends = "nope"\n', "there is no 'nope'"),
        ("[mine]\nextends = 'budget'\nrounds = 1\n", "rounds"),
    ],
)
def test_a_broken_preset_file_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(text)
    monkeypatch.setenv("FUSION_PRESETS", str(own))
    with pytest.raises(ConfigError, match=said):
        load_settings({"preset": "mine"})


def test_a_preset_file_that_is_named_and_missing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_PRESETS", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="FUSION_PRESETS: there is no file"):
        load_settings()


@pytest.mark.parametrize(
    ("chosen", "docs"),
    [
        ({}, "builtin:docs"),
        ({"tools": ["docs"]}, "builtin:docs"),
        ({"tools": ["bash"]}, None),
        ({"tools": []}, None),
        ({"tools": ["mcp:wiki"]}, None),
        ({"tools": None}, "builtin:docs"),
        ({"tools": ["docs"], "docs": "x"}, "x"),
        ({"tools": [], "panel": [{"model": "m/a", "tools": ["docs"]}]}, "builtin:docs"),
        ({"tools": [], "panel": [PanelSeat(model="m/a", tools=("docs",))]}, "builtin:docs"),
        ({"tools": [], "panel": ["m/a", {"model": "m/b", "tools": ["bash"]}]}, None),
    ],
)
def test_a_preset_s_documents_go_when_the_caller_chooses_other_tools(
    chosen: dict[str, Any], docs: str | None
) -> None:
    assert load_settings({"preset": "offline", **chosen}).docs == docs


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.dictionaries(st.text(), st.none()),
        st.lists,
        max_leaves=4,
    )
)
def test_no_odd_tools_panel_or_search_escape_the_check_of_settings(odd: Any) -> None:
    for name in ("tools", "panel", "search"):
        with suppress(ConfigError):
            load_settings({"preset": "offline", "tools": [], name: odd})


def test_engines_are_named_in_any_case_each_once() -> None:
    assert load_settings({"search": "Brave, ddgs,BRAVE"}).search == ("brave", "ddgs")
    assert load_settings({"search": ["EXA"]}).search == ("exa",)
