import pytest
from langchain_core.messages import HumanMessage

from tests.models.offline.prompts import source_block
from tests.models.offline.transcripts import reply, result

ASKED = """Answer only what is asked.

<question>
How is Relay configured, and what about tracing?
</question>

<your_earlier_answer>
Settings are in relay.toml [A1].
</your_earlier_answer>

<follow_up id="F1">
What do the documents say about “tracing”?
</follow_up>

<follow_up id="F3">
What exactly do the documents say about “request timeout”?
</follow_up>"""
FOUND = source_block("A5", "Tracing is sent to the collector named in `trace_to`.")


@pytest.mark.parametrize("name", ["keyword", "broad", "careful"])
def test_each_follow_up_is_searched_for_narrowly(name: str) -> None:
    queries = [call["args"]["query"] for call in reply(name, [HumanMessage(ASKED)]).tool_calls]
    assert queries == ["tracing", "request timeout"]


@pytest.mark.parametrize("name", ["keyword", "broad", "careful"])
def test_each_follow_up_is_answered_under_its_id(name: str) -> None:
    messages = [HumanMessage(ASKED), *result("docs_search", {"query": "tracing"}, FOUND)]
    first, second = str(reply(name, messages, tools=()).text).split("F3:\n")
    assert first.startswith("F1:\n")
    assert "named in `trace_to` [A5]" in first
    assert "do not say anything about “request timeout”" in second


@pytest.mark.parametrize("name", ["keyword", "broad", "careful"])
def test_the_documents_that_fit_are_read_from_the_top(name: str) -> None:
    passage = source_block(
        "A5", "Tracing goes to a collector.", "Tracing", "docs:my%20t.md#L30-L40"
    )
    messages = [HumanMessage(ASKED), *result("docs_search", {"query": "tracing"}, passage)]
    (call,) = reply(name, messages).tool_calls
    assert (call["name"], call["args"]) == ("docs_read", {"id_or_path": "my t.md"})


@pytest.mark.parametrize(
    ("top", "day"),
    [
        ("# Tracing\n\nRelay office, 3 March 2011\n\n", "3 March 2011"),
        ("---\ndate: 2024-05-06\n---\n", "6 May 2024"),
        ("# Tracing\n\nMay 6, 2024\n\n", "6 May 2024"),
        (
            "# Tracing\n\nOn 3 March 2011 somebody asked what this is, and nobody could tell.\n\n",
            "",
        ),
        ("", ""),
    ],
)
def test_an_answer_names_the_date_that_the_document_carries(top: str, day: str) -> None:
    whole = source_block("A6", f"{top}Tracing goes to a collector.", "Tracing", "docs:t.md")
    messages = [HumanMessage(ASKED), *result("docs_read", {"id_or_path": "docs:t.md"}, whole)]
    answer = str(reply("careful", messages, tools=()).text)
    dated = f"Dated {day}: " if day else ""
    assert f"F1:\n{dated}Tracing goes to a collector [A6]." in answer


def test_a_follow_up_without_any_result_is_answered_honestly() -> None:
    messages = [HumanMessage(ASKED), *result("docs_search", {"query": "x"}, "No results.")]
    answer = str(reply("broad", messages, tools=()).text)
    assert answer.count("do not say") == 2
    assert "[A" not in answer
