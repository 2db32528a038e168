"""What a draft lost: found by ids, digits and letters, without a model."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.writing.lost import Coverage
from langgraph_fusion.graph.writing.names import holds_name, names
from langgraph_fusion.tools.sources import Sources


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("The Bank of England met.", {"bank of england"}),
        ("Then Jane Doe's GPT-5.5 won.", {"jane doe", "gpt-5.5"}),
        ("It costs USD 5, a 2-week wait for a 16-inch screen of 5.9M pixels.", set()),
        ("NVE and gpt-oss-120b agree.", {"nve", "gpt-oss-120b"}),
        ("# The Great Heading\nno name here", set()),
        ("`Some Code` and https://Some.Where/Else X", set()),
        ("During Spring we wait.", set()),
        ("Élodie Durand traf Jürgen Groß.", {"élodie durand", "jürgen groß"}),
    ],
)
def test_names_are_capitalised_words_side_by_side_and_ids(said: str, found: set[str]) -> None:
    assert names(said) == found


def test_a_name_is_held_by_its_last_word() -> None:
    assert holds_name("as doe wrote", "jane doe") is False, "three letters may be another word"
    assert holds_name("as durand wrote", "élodie durand")
    assert not holds_name("durands wrote", "élodie durand")


ANSWERS = (
    "Jane Durand at NVE found 15.3 TWh in 2023 [A1]. Only here: 99 boats.",
    "NVE says 15.3 TWh [B1]; Jane Durand says so. Dams cost $40.",
    "Nothing to add.",
)


def _coverage(**analysis: object) -> Coverage:
    sources = Sources()
    sources.add("A", "page", "https://example.org/a", "A", "text of a")
    sources.add("B", "page", "https://www.example.org/a/", "A", "text of a")
    return Coverage(ANSWERS, Analysis.model_validate(analysis), sources, "What was it in 2023?")


def test_what_two_answers_hold_is_missed_and_what_one_holds_is_not() -> None:
    lost = _coverage().lost("Nothing.")
    assert [(one.kind, one.what) for one in lost] == [
        ("source", "A1"), ("figure", "15.3"), ("name", "jane durand"), ("name", "nve"),
    ]  # fmt: skip
    assert lost[1].as_line() == "- figure 15.3: Jane Durand at NVE found 15.3 TWh in 2023."
    whole = "It was 15.3 TWh, NVE and Durand say [B1]."
    assert _coverage().lost(whole) == ()


def test_an_insight_is_missed_when_most_of_its_specifics_or_words_are() -> None:
    insight = {"insight": "Only 99 boats may pass the lock in winter.", "seat": "A"}
    coverage = _coverage(unique_insights=[insight])
    assert coverage.lost("")[0].what == insight["insight"]
    assert all(
        one.kind != "insight" for one in coverage.lost("In winter the lock passes 99 boats.")
    )
    assert coverage.lost("In winter the lock passes some boats.")[0].kind == "insight"


def test_what_the_analysis_doubts_or_has_settled_otherwise_is_not_missed() -> None:
    suspect = {"claim": "It was 15.3 TWh", "seats": ["A"], "why": "made up"}
    assert "15.3" not in [one.what for one in _coverage(suspect_claims=[suspect]).lost("")]
    held = {**suspect, "status": "supported"}
    assert "15.3" in [one.what for one in _coverage(suspect_claims=[held]).lost("")]


@given(some.lists(some.text(max_size=200), min_size=1, max_size=4))
def test_the_answers_together_lose_nothing_of_their_own(texts: list[str]) -> None:
    together = "\n\n".join(texts)
    assert all(one.kind == "figure" for one in Coverage(texts, None, Sources()).lost(together))
