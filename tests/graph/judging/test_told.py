"""Readers of an analysis are told all that is in it, and nothing empty."""

from hypothesis import given
from hypothesis import strategies as some

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.judging.told import analysis_told

WEIGHT = some.sampled_from(["high", "low"])
SEATS = some.lists(some.sampled_from("ABC"), min_size=1, max_size=2)
TEXT = some.sampled_from(["the dam holds", 'a "quoted" word', "été"])
SOURCES = some.lists(some.sampled_from(["A1", "B2"]), max_size=2)
STANCE = some.fixed_dictionaries({"seat": some.just("A"), "stance": TEXT, "sources": SOURCES})
ANALYSES = some.fixed_dictionaries(
    {
        "consensus": some.lists(
            some.fixed_dictionaries({"claim": TEXT, "seats": SEATS, "matters": WEIGHT}), max_size=2
        ),
        "contradictions": some.lists(
            some.fixed_dictionaries(
                {
                    "topic": TEXT,
                    "stances": some.lists(STANCE, min_size=1, max_size=2),
                    "resolution": some.none() | TEXT,
                    "matters": WEIGHT,
                }
            ),
            max_size=2,
        ),
        "blind_spots": some.lists(
            some.fixed_dictionaries({"gap": TEXT, "matters": WEIGHT}), min_size=1, max_size=2
        ),
        "suspect_claims": some.lists(
            some.fixed_dictionaries({"claim": TEXT, "seats": SEATS, "why": TEXT}), max_size=2
        ),
        "follow_ups": some.lists(
            some.fixed_dictionaries(
                {
                    "question": TEXT,
                    "kind": some.just("blind_spot"),
                    "about": some.just("G1"),
                    "seats": SEATS,
                }
            ),
            max_size=2,
        ),
        "best_answer": some.none() | some.just("B"),
    }
).map(Analysis.model_validate)


@given(ANALYSES)
def test_what_is_told_reads_as_the_whole_analysis(analysis: Analysis) -> None:
    told = analysis_told(analysis)
    assert Analysis.model_validate_json(told) == analysis
    assert not any(empty in told for empty in (":[]", ":null", ':""', ": ", "\n"))
    assert len(told) < len(analysis.model_dump_json())


@given(ANALYSES)
def test_a_question_that_stands_with_its_answer_is_not_told_again(analysis: Analysis) -> None:
    told = Analysis.model_validate_json(analysis_told(analysis, {"F1"}))
    assert told.follow_ups == [one for one in analysis.follow_ups if one.id != "F1"]
    assert told.blind_spots == analysis.blind_spots
