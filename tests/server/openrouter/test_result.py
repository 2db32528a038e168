"""A result in the hosted product's shapes."""

from langgraph_fusion.server.openrouter.result import (
    answer_text,
    chat_annotations,
    extension,
    failed_models,
    hosted_analysis,
    hosted_responses,
    hosted_sources,
    panel_models,
    url_citations,
)
from tests.server.results import ANSWER, result


def test_the_analysis_has_the_five_documented_fields_and_no_other() -> None:
    found = result()
    assert found.analysis is not None
    assert hosted_analysis(found.analysis, panel_models(found)) == {
        "consensus": ["It is 42."],
        "contradictions": [{"topic": "how", "stances": [{"model": "v/a", "stance": "x"}]}],
        "partial_coverage": [{"models": ["v/b"], "point": "costs"}],
        "unique_insights": [{"model": "v/a", "insight": "it moves"}],
        "blind_spots": ["the past"],
    }


def test_responses_are_named_by_the_models_that_were_asked_for() -> None:
    assert hosted_responses(result()) == [
        {"model": "v/a", "content": "42"},
        {"model": "v/b", "content": "17"},
    ]
    assert failed_models(result()) == [{"model": "v/c", "error": "outage", "status_code": 502}]


def test_sources_are_listed_once_an_address() -> None:
    assert hosted_sources(result()) == [
        {"url": "https://a.org/x", "title": "A"},
        {"url": "https://b.org/y_(z)", "title": "B"},
    ]


def test_every_citation_says_where_it_stands() -> None:
    citations = url_citations(result(), ANSWER)
    written = [ANSWER[one["start_index"] : one["end_index"]] for one in citations]
    assert written == [
        "[[1]](https://a.org/x)",
        "[[2]](https://b.org/y_%28z%29)",
        "[[1]](https://a.org/x)",
    ]
    assert [one["title"] for one in citations] == ["A", "B", "A"]
    assert chat_annotations(result(), ANSWER)[0] == {
        "type": "url_citation",
        "url_citation": {
            "url": "https://a.org/x",
            "title": "A",
            "start_index": 9,
            "end_index": 31,
        },
    }


def test_an_analysis_without_an_answer_is_said_as_json() -> None:
    text = answer_text(result(answer="", mode="analysis"))
    assert '"claim": "It is 42."' in text
    assert answer_text(result()) == ANSWER


def test_our_own_part_holds_the_run_and_not_the_answer_again() -> None:
    own = extension(result())
    assert own.keys() >= {"run_id", "panel", "analysis", "sources", "bill", "failed_members"}
    assert "answer" not in own
