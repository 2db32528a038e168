import pytest

from langgraph_fusion.cli.input import check_quotes, given_settings
from langgraph_fusion.graph.errors import ConfigError


def test_only_what_was_given_becomes_a_setting() -> None:
    assert given_settings({"preset": None, "max_rounds": 0, "mode": "select"}) == {
        "max_rounds": 0,
        "mode": "select",
    }


def test_lists_are_repeated_or_separated_by_commas() -> None:
    settings = given_settings(
        {}, panel=["a/one, b/two", "c/three*2"], exclude=["x.example,y.example/z"]
    )
    assert settings["panel"] == ["a/one", "b/two", "c/three*2"]
    assert settings["exclude"] == ["x.example", "y.example/z"]


def test_no_tools_at_all_is_a_choice() -> None:
    assert given_settings({}, tools=["none"]) == {"tools": []}
    assert given_settings({}, tools=["docs,bash"]) == {"tools": ["docs", "bash"]}


def test_any_setting_is_given_as_json_or_as_text() -> None:
    pairs = ["seed=7", 'judge={"model": "a/b", "temperature": 0}', "search=tavily", "docs=a=b"]
    assert given_settings({}, assignments=pairs) == {
        "seed": 7,
        "judge": {"model": "a/b", "temperature": 0},
        "search": "tavily",
        "docs": "a=b",
    }


def test_a_setting_given_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="max_rounds: given twice"):
        given_settings({"max_rounds": 1}, assignments=["max_rounds=2"])


@pytest.mark.parametrize("text", ["seed", "=7", ""])
def test_an_assignment_without_a_name_or_a_value_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="key=value"):
        given_settings({}, assignments=[text])


@pytest.mark.parametrize(
    "value", ["{judge: 1}", '{"model": "a/b"', "[1, 2", '"open', "[a]", "{'model': 'a/b'}"]
)
def test_a_value_that_begins_like_json_and_is_none_says_so(value: str) -> None:
    with pytest.raises(ConfigError, match=r"--set judge: the value begins like JSON and is none"):
        given_settings({}, assignments=[f"judge={value}"])
    with pytest.raises(ConfigError, match="nested too deeply"):
        given_settings({}, assignments=["judge=" + "[" * 200_000])


def test_a_question_without_quotes_is_shown_with_them() -> None:
    with pytest.raises(ConfigError, match='in quotes: fusion ask "What is this"'):
        check_quotes("ask", "What", ["is", "this"])
    with pytest.raises(ConfigError) as raised:
        check_quotes("ask", "word", ["word"] * 10_000)
    assert len(str(raised.value)) < 300
    check_quotes("ask", "What is this?", [])
    check_quotes("ask", None, [])
