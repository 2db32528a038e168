"""What of the answers and of the question is found again in the final text."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from langgraph_fusion.graph.writing.coverage import figures, figures_kept, parts_treated
from tests.graph.cast import PANEL, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import text


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("It rose by 4.2 % to 1,200.50 euros.", {"4.2%", "1200.5"}),
        ("It rose 4.2 percent to 1200.5 euros.", {"4.2%", "1200.5"}),
        ("$5 in 2024, € 3 before", {"$5", "2024", "€3"}),
        ("1. First\n2) Second, of 3 things [A12][B3]", set()),
        ("See https://example.org/2023/17 and `x = 42`, PEP749, v2", set()),
        ("From 2019-11-03 on", {"2019", "11", "03"}),
        ("Über 1.200.000 Stück", {"1200000"}),
    ],
)
def test_figures_are_read_alike_however_they_are_written(said: str, found: set[str]) -> None:
    assert figures(said) == found


@given(some.text(max_size=400))
def test_a_text_keeps_all_its_own_figures(said: str) -> None:
    assert figures_kept([said], said) in (None, 1.0)


@given(some.text(alphabet="0123456789.,-$% ", max_size=3000))
def test_figures_of_hostile_text_are_read_in_time(said: str) -> None:
    assert isinstance(figures(said), set)


def test_a_part_of_the_question_that_is_left_out_shows() -> None:
    question = "Which bridges were built before 1900? Who paid for the maintenance of roads?"
    both = "Two bridges were built; the maintenance of roads was paid by the state."
    assert parts_treated(question, both) == 1.0
    assert parts_treated(question, "Two bridges were built.") == 0.5
    assert parts_treated("Why?", both) is None


async def test_the_result_says_how_many_figures_the_answer_keeps(fuse: Fuse) -> None:
    said = dict.fromkeys(PANEL, text("It weighs 42 kg and costs 12.50 euros."))
    fused = await fuse(
        cast(said, answer="The bridge weighs 42 kg."), settings(), "How heavy is the bridge?"
    )
    assert fused.result.retention.figures == 0.5
    assert fused.result.retention.parts == 1.0
