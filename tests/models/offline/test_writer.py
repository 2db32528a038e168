import re
from typing import Any

from tests.models.offline.prompts import (
    analysis_block,
    answer_block,
    follow_up_block,
    human,
    question_block,
    source_block,
)
from tests.models.offline.transcripts import reply

QUESTION = "What is the default request timeout of Relay?"
TIMEOUT = "The default request timeout of Relay is 30 seconds"
LEFT, RIGHT = f"{TIMEOUT}.", "The default request timeout of Relay is 60 seconds."
ANSWERS = [
    answer_block("A", f"{TIMEOUT} [A1].", [source_block("A1", LEFT)]),
    answer_block("B", f"{TIMEOUT} [B1].", [source_block("B1", LEFT), source_block("B2", RIGHT)]),
]


def written(analysis: dict[str, Any], *blocks: str) -> str:
    prompt = human(question_block(QUESTION), analysis_block(analysis), *(blocks or ANSWERS))
    return str(reply("writer", prompt, tools=()).text)


def consensus(claim: str, *sources: str) -> dict[str, Any]:
    return {"claim": claim, "seats": ["A", "B"], "sources": list(sources)}


def conflict(status: str, resolution: str) -> dict[str, Any]:
    return {
        "id": "K1",
        "topic": "request timeout",
        "stances": [
            {"seat": "A", "stance": LEFT, "sources": ["A1"]},
            {"seat": "B", "stance": RIGHT, "sources": ["B2"]},
        ],
        "status": status,
        "resolution": resolution,
        "matters": "high",
    }


def test_the_answer_comes_first_with_all_its_sources() -> None:
    text = written({"consensus": [consensus(LEFT, "A1", "B1")]})
    assert text.startswith(f"{TIMEOUT} [A1][B1].")


def test_nothing_is_said_twice() -> None:
    insight = {"insight": LEFT, "seat": "A", "sources": ["A1"]}
    text = written({"consensus": [consensus(LEFT, "A1")], "unique_insights": [insight]})
    assert text.count(TIMEOUT) == 1


def test_both_sides_of_a_contested_point_are_cited() -> None:
    text = written({"contradictions": [conflict("contested", "Both are in the sources.")]})
    assert text.startswith("The sources do not agree on “request timeout”")
    assert "### Where the sources disagree" in text
    assert "30 seconds” [A1]" in text
    assert "60 seconds” [B2]" in text
    assert "stays open" in text


def test_a_resolved_point_says_how_it_was_settled() -> None:
    resolution = "The follow-up answers agree: 30 seconds [A1]."
    text = written({"contradictions": [conflict("resolved", resolution)]})
    assert "Settled: The follow-up answers agree: 30 seconds [A1]." in text
    assert "do not agree on" not in text


def test_what_was_not_found_is_said() -> None:
    gap = {"id": "G1", "gap": "No answer says anything about “tracing”.", "matters": "high"}
    text = written({"consensus": [consensus(LEFT, "A1")], "blind_spots": [gap]})
    assert "The sources say nothing about “tracing”." in text


def test_sources_that_were_not_shown_are_never_cited() -> None:
    text = written({"consensus": [consensus(LEFT, "A1", "C4"), consensus("Relay is fast.", "D9")]})
    assert set(re.findall(r"\[(\w+)\]", text)) <= {"A1", "B1", "B2"}


def test_follow_up_answers_are_used() -> None:
    asked = {"id": "F1", "question": "And tracing?", "about": "G1"}
    evidence = '<evidence seat="A">\n' + source_block("A7", "Tracing") + "\n</evidence>"
    followed = follow_up_block(asked, "A", "F1:\nTracing sends spans to a collector [A7].")
    text = written({}, *ANSWERS, followed, evidence)
    assert "Tracing sends spans to a collector [A7]." in text
    assert "F1" not in text


def test_without_an_analysis_the_answers_are_compared() -> None:
    prompt = human(question_block(QUESTION), *ANSWERS)
    assert f"{TIMEOUT} [A1][B1]." in reply("writer", prompt, tools=()).text


def test_an_empty_panel_is_admitted() -> None:
    text = written({}, answer_block("A", "I found nothing about this in the sources."))
    assert text.startswith("The sources that were searched do not answer this question.")
