import json

from langgraph_fusion.cli.display.estimate import cost_range
from langgraph_fusion.graph.preflight.estimate import Estimate
from tests.cli.warm import fusion


def test_an_estimate_needs_no_key_and_starts_nothing() -> None:
    shown = fusion("ask", "--estimate", "--preset", "budget", "What is it?")
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    assert lines[0].split() == [
        "budget",
        "low",
        "(tokens)",
        "likely",
        "(tokens)",
        "high",
        "(tokens)",
    ]
    assert [line.split()[0] for line in lines[1:]] == [
        "panel",
        "follow-ups",
        "judge",
        "writer",
        "in",
    ]
    assert lines[-1].count("$") == 3
    assert "deep-research questions" in shown.stderr


def test_an_estimate_as_json_is_the_whole_estimate() -> None:
    panel = ("--preset", "fast", "--panel", "unlisted/model")
    shown = fusion("ask", "--estimate", "--json", *panel, "What is it?")
    made = Estimate.model_validate(json.loads(shown.stdout))
    assert made.preset == "fast"
    assert made.total.cost_usd is None
    assert "No price is listed" in made.notes[0]


def test_a_range_of_money_is_told_in_words() -> None:
    told = cost_range({"low": 0.27, "likely": 1.171071, "high": 4.0})
    assert told == "likely $1.17 ($0.27 to $4.00)"
    assert cost_range(None).startswith("cost unknown")
    assert cost_range({"low": 0.0, "likely": 0.0, "high": 0.0}) == "$0"
