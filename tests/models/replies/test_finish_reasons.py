import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.models.replies.finish_reasons import Ending, ending_of

UNSAID: tuple[object, ...] = (None, "", " ", "null", "None", 5, [], {"a": 1})


@pytest.mark.parametrize(
    ("said", "ending"),
    [
        *((word, "stop") for word in (
            "stop", "STOP", "end_turn", "endTurn", "stop_sequence", "eos", "eos_token", "eosFound",
            "COMPLETE", "finish_reason.stop", "stopstop",
        )),
        *((word, "tool_calls") for word in (
            "tool_calls", "function_call", "tool_use", "TOOL_CALL", "toolCalls",
        )),
        *((word, "length") for word in (
            "length", "MAX_TOKENS", "max_tokens", "maxTokens", "model_length", "max-tokens",
            "model_context_window_exceeded", "stop_limit", "contextLengthReached",
        )),
        *((word, "content_filter") for word in (
            "content_filter", "SAFETY", "sensitive", "guardrail_intervened", "RECITATION",
        )),
        ("refusal", "refusal"),
        *((word, "broken_off") for word in (
            "error", "network_error", "abort", "OTHER", "malformed_function_call", "cancelled",
            "insufficient_system_resource", "repetition_truncation", "timeout", "x",
        )),
        *((word, None) for word in UNSAID),
    ],
)  # fmt: skip
def test_every_word_of_a_provider_has_one_of_ours(said: object, ending: Ending | None) -> None:
    assert ending_of(said) == ending


@given(st.text() | st.integers() | st.none())
def test_any_word_has_an_ending(said: object) -> None:
    ending_of(said)
