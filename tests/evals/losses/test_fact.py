"""A fact is found by its words and figures, and followed from text to text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.evals.losses.fact import Text, locate, presence, read_text

QUESTION = "What do I need to know about the Abbey Bridge?"
CRITERION = "States that the bridge bears 9 tonnes since the repair of 1994"
ANSWER = (
    "# Abbey Bridge\n\nIt is old. Since the repair in 1994 the bridge bears 9 tonnes. "
    "Herons nest below it."
)


def test_the_fact_is_the_sentence_that_fits_the_criterion() -> None:
    fact = read_text(ANSWER).locate(CRITERION, QUESTION)
    assert fact
    assert fact.passage == "Since the repair in 1994 the bridge bears 9 tonnes."
    assert {"1994", "9"} <= fact.terms
    assert "bridg" not in fact.terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Some words before. {ANSWER}", "kept"),
        ("After the 1994 repair it bears 9 tonnes.", "kept"),
        ("Repaired (1994).\n\nIt is old.\n\nBears 9 tonnes.", "kept"),
        ("The repair was in 1994; ask what it bears.", "changed"),
        ("It bears many tonnes since its repair.", "absent"),
        ("1994 was a year.\n\n" + "A line about herons.\n\n" * 5 + "9 tonnes of grain.", "absent"),
        ("", "absent"),
        ("Herons nest below it.", "absent"),
    ],
)
def test_a_text_keeps_changes_or_lacks_the_fact(text: str, expected: str) -> None:
    fact = read_text(ANSWER).locate(CRITERION, QUESTION)
    assert fact
    assert presence(fact, text) == expected


def test_a_fact_whose_figures_are_gone_is_not_kept() -> None:
    answer = "The lamps of the old north quay were sold to the harbour museum in 1994."
    fact = read_text(answer).locate("Says the lamps were sold to the harbour museum in 1994", "?")
    assert fact
    assert presence(fact, "The lamps were sold to the harbour museum.") == "changed"


def test_an_unknown_text_is_not_an_absent_one() -> None:
    fact = read_text(ANSWER).locate(CRITERION, QUESTION)
    assert fact
    assert presence(fact, None) is None


@pytest.mark.parametrize(
    "criterion",
    ["Uses a table", "Is concise", "What do I need to know about the Abbey Bridge", ""],
)
def test_form_and_the_question_itself_are_not_found(criterion: str) -> None:
    assert read_text(ANSWER).locate(criterion, QUESTION) is None


def test_the_fullest_of_several_answers_is_taken() -> None:
    found = locate(CRITERION, QUESTION, {"A": "It bears 9 tonnes.", "B": ANSWER, "C": "Old."})
    assert found
    assert found[0] == "B"
    assert locate(CRITERION, QUESTION, {"C": "Old."}) is None


def test_scripts_without_spaces_are_followed_too() -> None:
    answer = "该桥在一九九四年维修后可承重九吨。苍鹭在桥下筑巢。"
    fact = Text(answer).locate("指出该桥维修后可承重九吨", "介绍一下?")
    assert fact
    assert presence(fact, "维修后可承重九吨。") == "kept"
    assert presence(fact, "苍鹭在桥下筑巢。") == "absent"


@given(st.text(max_size=300), st.text(max_size=80))
def test_any_text_can_be_read(text: str, criterion: str) -> None:
    fact = Text(text).locate(criterion, "?")
    if fact:
        assert Text(text).presence(fact) == "kept"
        assert fact.passage
