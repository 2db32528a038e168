from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langgraph_fusion.models.answer_text import finish_reason, text_of, verdict_on


def reply(text: str, finish: str = "stop", **more: Any) -> AIMessage:
    return AIMessage(text, response_metadata={"finish_reason": finish}, **more)


def reason(message: AIMessage) -> str | None:
    verdict = verdict_on(message)
    return verdict.reason if verdict else None


def test_an_answer_passes() -> None:
    assert verdict_on(reply("It rose to 4.2 % [A3].")) is None


@pytest.mark.parametrize("text", ["", "  \n", "<think>Hm.</think>", "<tool_call>{}</tool_call>"])
def test_nothing_to_read_is_empty(text: str) -> None:
    assert reason(reply(text)) == "empty"


def test_a_tool_call_is_not_judged() -> None:
    call: Any = {"name": "bash", "args": {}, "id": "1"}
    assert verdict_on(reply("", "tool_calls", tool_calls=[call])) is None
    bad: Any = {"name": "bash", "args": "{", "id": "1", "error": "no JSON"}
    assert verdict_on(reply("", "tool_calls", invalid_tool_calls=[bad])) is None


@pytest.mark.parametrize(
    ("finish", "expected"),
    [
        ("length", "truncated"),
        ("max_tokens", "truncated"),
        ("MAX_TOKENS", "truncated"),
        ("lengthlength", "truncated"),
        ("content_filter", "content_filter"),
        ("SAFETY", "content_filter"),
        ("refusal", "refused"),
        ("end_turn", None),
    ],
)
def test_why_the_model_stopped_is_read(finish: str, expected: str | None) -> None:
    assert reason(reply("Some text", finish)) == expected


def test_anthropics_stop_reason_counts() -> None:
    message = AIMessage("Half an", response_metadata={"stop_reason": "max_tokens"})
    assert finish_reason(message) == "length"
    assert finish_reason(AIMessage("x")) is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that.",
        "I\u2019m sorry, but I can\u2019t help with that request.",
        "I cannot provide that information.",
        "I am unable to help with this topic.",
        "Sorry, I won't discuss this.",
        "Unfortunately, I'm not able to assist with that.",
    ],
)
def test_a_short_refusal_is_recognised(text: str) -> None:
    assert reason(reply(text)) == "refused"


@pytest.mark.parametrize(
    "text",
    [
        "I cannot find any evidence that the bridge was built.",
        "I can't verify the figure of 4.2 %.",
        "I cannot provide that figure exactly, but [A3] gives 4.2 %.",
        "Sorry seems to be the hardest word is a song by Elton John.",
        "I can't help but notice that the report contradicts itself.",
        "I cannot assist with the first part. " + "The second part is long. " * 40,
        "The spokesman said: I'm sorry, but I can't help with that.",
    ],
)
def test_an_honest_answer_is_no_refusal(text: str) -> None:
    assert verdict_on(reply(text)) is None


def test_a_typed_refusal_counts_whatever_the_text() -> None:
    verdict = verdict_on(reply("", additional_kwargs={"refusal": "I will not."}))
    assert verdict is not None
    assert (verdict.reason, verdict.detail) == ("refused", "I will not.")


def test_text_comes_without_thinking_also_from_content_blocks() -> None:
    blocks: Any = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "<think>x</think>Yes."},
    ]
    assert text_of(AIMessage(blocks)) == "Yes."
