import pytest

from langgraph_fusion.graph.verification.lexical import lexical_verdict

PAGE = "Statistics Norway reported net exports of 15.3 TWh of electricity in 2023."


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("Norway's net exports of electricity were 15.3 TWh in 2023.", "supported"),
        ("Norway's net exports of electricity were 18.2 TWh in 2023.", "partly"),
        ("Norway exports salmon, furniture, machines and aluminium.", "not_found"),
        ("Cats sleep for most of the day.", "not_found"),
        ("…", "not_found"),
    ],
)
def test_words_and_figures_decide(claim: str, verdict: str) -> None:
    assert lexical_verdict(claim, PAGE) == verdict


def test_scripts_without_spaces_are_compared_by_pairs_of_characters() -> None:
    assert lexical_verdict("挪威出口电力", "挪威去年出口电力很多。") == "supported"
    assert lexical_verdict("挪威出口电力", "瑞典的天气很好。") == "not_found"
