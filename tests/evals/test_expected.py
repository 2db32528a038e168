import pytest

from langgraph_fusion.evals.expected import expected_score, expected_verdicts
from langgraph_fusion.evals.records import Task


def score(expected: tuple[str, ...], text: str, wrong: tuple[str, ...] = ()) -> float:
    task = Task(id="t", question="?", expected=expected, wrong=wrong)
    return expected_score(expected_verdicts(task, text)).score


@pytest.mark.parametrize(
    ("expected", "text", "right"),
    [
        ("Anthrax", "It is by **Anthrax** [1].", True),
        ("The Hague", "It lies in the hague.", True),
        ("Hague", "It lies in Haguenau.", False),
        ("1,000", "About 1000 of them", True),
        ("1000", "About 10,000 of them", False),
        ("São Paulo", "sao paulo", True),
        ("The The", "It was The The.", True),
        ("12", "In 2012.", False),
        ("3.5", "3.5 m", True),
    ],
)
def test_an_expected_answer_is_found_as_whole_words(expected: str, text: str, right: bool) -> None:
    assert (score((expected,), text) == 100.0) is right


def test_every_right_answer_is_to_be_named_and_no_wrong_one() -> None:
    assert score(("Rome", "Oslo"), "Rome and Oslo") == 100.0
    assert score(("Rome", "Oslo"), "Rome") == 0.0
    assert score(("Rome",), "Rome, or Milan", ("Milan",)) == 0.0


def test_the_pass_rate_says_how_much_was_right() -> None:
    task = Task(id="t", question="?", expected=("Rome", "Oslo"), wrong=("Milan", "Bari"))
    found = expected_score(expected_verdicts(task, "Rome and Milan"))
    assert found.pass_rate == 50.0
    assert found.sections["right"].score == 50.0
    assert found.sections["wrong"].score == 50.0
