"""Which arms a configuration or a file names, and with which seats and settings."""

from pathlib import Path

import pytest

from langgraph_fusion.evals.arms.from_file import read_arms, shipped_arms
from langgraph_fusion.evals.arms.from_settings import ABLATIONS, arms_of, chosen_ablations
from langgraph_fusion.evals.arms.spec import Place
from langgraph_fusion.graph.errors import ConfigError
from tests.graph.cast import settings

FILE = """
[settings]
preset = "budget"
tools = []

[members]
one = "m/a"
two = { model = "m/b", temperature = 0.5 }

[arms.pair]
members = ["one", "two"]
judge = "j/judge"
synthesizer = "w/writer"

[arms.twice]
members = ["one", "one"]
judge = "j/judge"

[arms.unjudged]
of = "pair"
kind = "no_judge"

[arms.rewritten]
of = "pair"
kind = "writer_swap"
synthesizer = "w/other"

[arms.worded]
of = "pair"
kind = "prompts"
prompts = "variant"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "arms.toml"
    path.write_text(text)
    (folder / "variant").mkdir()
    (folder / "variant/member_budget.md").write_text("You have $calls.")
    return path


def test_a_file_of_arms_gives_its_members_their_best_and_every_arm(tmp_path: Path) -> None:
    members, arms = read_arms(written(tmp_path, FILE))
    assert list(members) == ["one", "two"]
    assert [(arm.name, arm.kind) for arm in arms] == [
        ("solo one", "solo"),
        ("solo two", "solo"),
        ("best of one + two", "oracle"),
        ("pair", "panel"),
        ("twice", "self_fusion"),
        ("unjudged", "no_judge"),
        ("rewritten", "writer_swap"),
        ("worded", "prompts"),
    ]
    by_name = {arm.name: arm for arm in arms}
    assert by_name["twice"].panel == (Place(member="one"), Place(member="one", sample=1))
    assert by_name["unjudged"].settings.judge is None
    assert by_name["rewritten"].settings.synthesizer.model == "w/other"
    assert by_name["rewritten"].settings.judge == by_name["pair"].settings.judge
    assert by_name["worded"].prompts == tmp_path / "variant"
    assert by_name["pair"].settings.panel[1].temperature == 0.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[panel]\nx = 1", "is none of settings, members and arms"),
        ("[arms.x]\nmembers = ['one']", "names no"),
        (FILE + "[arms.y]\nmembers = ['three']", "'three' is none of one, two"),
        (FILE + "[arms.y]\nof = 'nobody'\nkind = 'concat'", "no arm 'nobody'"),
        (FILE + "[arms.y]\nof = 'pair'\nkind = 'magic'", "no kind of a variant"),
        (FILE + "[arms.y]\nof = 'unjudged'\nkind = 'placebo'", "has no judge"),
        (FILE + "[arms.y]\nmembers = ['one']\nsyntheziser = 'a/b'", "syntheziser"),
        ("[members]\none = ", "cannot be read"),
    ],
)
def test_a_file_that_says_something_else_is_refused_by_name(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        read_arms(written(tmp_path, text))
    assert "arms.toml" in str(refused.value)


def test_the_shipped_table_has_twelve_rows() -> None:
    path = shipped_arms("openrouter")
    assert path is not None
    members, arms = read_arms(path)
    rows = [arm for arm in arms if arm.kind != "oracle"]
    assert (len(members), len(rows)) == (7, 12)
    fused = [arm for arm in rows if arm.kind != "solo"]
    assert {arm.settings.synthesizer.model for arm in fused} == {"anthropic/claude-opus-4.8"}
    assert [len(arm.panel) for arm in fused] == [2, 3, 2, 2, 3]
    assert shipped_arms("../openrouter") is None


def test_equal_seats_are_samples_of_one_member() -> None:
    members, arms = arms_of(settings(panel=["m/a*2", "m/b"]))
    assert list(members) == ["a", "b"]
    (panel,) = [arm for arm in arms if arm.kind == "panel"]
    assert [(one.member, one.sample) for one in panel.panel] == [("a", 0), ("a", 1), ("b", 0)]


def test_one_model_with_two_temperatures_is_two_members() -> None:
    panel = [{"model": "m/a"}, {"model": "m/a", "temperature": 1.0}]
    members, _ = arms_of(settings(panel=panel))
    assert list(members) == ["a", "a 2"]


def test_every_ablation_can_be_made_of_a_panel_and_some_of_one_without_a_judge() -> None:
    judged = settings()
    _, arms = arms_of(judged, ablate=chosen_ablations(["all"], judged))
    assert {arm.kind for arm in arms} >= set(ABLATIONS)
    without = settings(judge="none")
    _, arms = arms_of(without, ablate=chosen_ablations(["all"], without))
    assert [arm.kind for arm in arms[-2:]] == ["concat", "self_fusion"]
    with pytest.raises(ConfigError, match="no ablation 'nojudge'"):
        chosen_ablations(["nojudge"], judged)


def test_a_folder_without_prompts_is_refused_before_anything_is_paid(tmp_path: Path) -> None:
    path = written(tmp_path, FILE)
    (tmp_path / "variant/member_budget.md").unlink()
    with pytest.raises(ConfigError, match="holds no prompt"):
        read_arms(path)
