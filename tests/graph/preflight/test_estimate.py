"""What a run would cost, before it starts."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.graph.preflight.estimate import Dollars, Estimate, estimate
from langgraph_fusion.graph.presets import preset_descriptions
from langgraph_fusion.graph.settings import load_settings
from tests.graph.cast import JUDGE, PANEL, WRITER, settings
from tests.graph.preflight.usage_figures import figures

PROFILE = Path(__file__).parents[3] / "graph" / "preflight" / "usage_profile.toml"


def of(**given: Any) -> Estimate:
    return estimate(load_settings({"preset": "budget", **given}), "What is it?")


def cost(made: Estimate) -> Dollars:
    assert made.total.cost_usd is not None
    return made.total.cost_usd


def test_the_profile_is_what_the_recorded_runs_say() -> None:
    kept = tomllib.loads(PROFILE.read_text())
    for part, known in figures().items():
        assert kept[part] == known, "python -m tests.graph.preflight.usage_figures prints them"


@pytest.mark.parametrize("preset", list(preset_descriptions()))
def test_every_figure_of_every_preset_is_in_order(preset: str) -> None:
    made = estimate(load_settings({"preset": preset}))
    for part in (*made.stages.values(), made.total):
        for figure in (part.calls, part.input_tokens, part.output_tokens, part.cost_usd):
            if figure is not None:
                assert 0 <= figure.low <= figure.likely <= figure.high
    assert made.total.input_tokens.likely > 10_000


def test_the_stages_add_up_to_the_total() -> None:
    made = of()
    stages = made.stages.values()
    assert set(made.stages) == {"panel", "follow_up", "judge", "synthesizer"}
    assert sum(one.input_tokens.high for one in stages) == made.total.input_tokens.high
    dollars = sum(one.cost_usd.likely for one in stages if one.cost_usd)
    assert dollars == pytest.approx(cost(made).likely, abs=1e-5)


def test_settings_move_the_figures_the_way_they_move_a_run() -> None:
    usual = of()
    assert cost(of(tools=[])).likely < cost(of(max_tool_calls=4)).likely < cost(usual).likely
    assert cost(of(panel_growth="adaptive")).low < cost(usual).low
    assert "follow_up" not in of(max_rounds=0).stages
    assert cost(of(max_rounds=3)).high > cost(usual).high
    assert "synthesizer" not in of(mode="analysis").stages
    direct = of(mode="direct")
    assert list(direct.stages) == ["synthesizer"]
    assert direct.total.calls.high == 1


def test_a_price_that_nobody_listed_is_unknown_and_not_zero() -> None:
    made = estimate(settings())
    assert made.total.cost_usd is None
    assert made.total.input_tokens.likely > 0
    for name in (*PANEL, JUDGE, WRITER):
        assert f"openrouter:{name}" in made.notes[0]


def test_a_spend_cap_bounds_every_figure() -> None:
    made = of(budget_usd=0.5)
    assert cost(made).high == 0.5
    assert any("$0.5" in note for note in made.notes)


def test_a_models_own_output_limit_is_kept_to() -> None:
    seat = {"model": "anthropic/claude-opus-4.8", "max_tokens": 1000}
    assert of(synthesizer=seat).stages["synthesizer"].output_tokens.high == 1000


def test_models_on_this_machine_cost_nothing() -> None:
    assert cost(estimate(load_settings({"preset": "local"}))).high == 0.0
