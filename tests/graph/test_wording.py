import pytest

from langgraph_fusion.graph.wording import (
    cost_in_words,
    count,
    duration,
    listed,
    money,
    tokens,
)


@pytest.mark.parametrize(
    ("dollars", "words"),
    [(0, "$0"), (0.00001, "<$0.0001"), (0.0123, "$0.0123"), (1.239, "$1.24"), (12, "$12.00")],
)
def test_an_amount_that_is_not_zero_never_reads_as_zero(dollars: float, words: str) -> None:
    assert money(dollars) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (None, "?"),
        (0, "0"),
        (999, "999"),
        (12_345, "12.3k"),
        (999_951, "1.0M"),
        (2_500_000, "2.5M"),
    ],
)
def test_tokens_fit_a_narrow_column(number: int | None, words: str) -> None:
    assert tokens(number) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0s"), (9.94, "9.9s"), (9.97, "10s"), (59.6, "1m00s"), (125, "2m05s"), (3720, "1h02m")],
)
def test_a_duration_reads_as_a_clock(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_counts_and_lists_read_as_english() -> None:
    assert (count(1, "gap"), count(2, "gap"), count(0, "gap")) == ("1 gap", "2 gaps", "0 gaps")
    assert (listed("A"), listed("AB"), listed("ABC"), listed([])) == (
        "A",
        "A and B",
        "A, B and C",
        "",
    )


def test_an_unknown_cost_is_named_and_never_zero() -> None:
    known = {"model": "vendor/one", "cost_usd": 0.02}
    unknown = {"model": "vendor/two", "cost_usd": None}
    assert cost_in_words([known, known]) == "$0.0400"
    assert cost_in_words([unknown]) == "cost unknown"
    assert cost_in_words([known, unknown]) == "cost unknown ($0.0200 known, 1 call without a price)"


def test_an_offline_run_has_no_cost() -> None:
    assert cost_in_words([{"model": "offline:broad", "cost_usd": 0.0}]) == "no cost"
    assert cost_in_words([{"model": "offline:broad", "cost_usd": None}]) == "no cost"


def test_a_free_run_of_real_models_costs_zero_and_a_run_without_calls_too() -> None:
    assert cost_in_words([{"model": "vendor/free", "cost_usd": 0.0}]) == "$0"
    assert cost_in_words([]) == "$0"
