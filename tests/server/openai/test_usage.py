"""What a client reads of tokens and money, in both OpenAI shapes."""

from openai.types.completion_usage import CompletionUsage

from langgraph_fusion.server.openai.usage import chat_usage, responses_usage
from tests.server.results import CALLS, call, result


def test_a_chat_completion_reports_the_whole_run_once() -> None:
    usage = chat_usage(result())
    assert usage == {
        "prompt_tokens": 400,
        "completion_tokens": 40,
        "total_tokens": 440,
        "prompt_tokens_details": {"cached_tokens": 20},
        "completion_tokens_details": {"reasoning_tokens": 12},
        "server_tool_use_details": {
            "tool_calls_requested": 3,
            "tool_calls_executed": 2,
            "web_search_requests": 1,
        },
        "is_byok": False,
        "cost": 0.04,
        "cost_details": {
            "upstream_inference_cost": 0.04,
            "upstream_inference_prompt_cost": None,
            "upstream_inference_completions_cost": None,
        },
    }
    assert CompletionUsage.model_validate(usage).total_tokens == 440


def test_a_response_reports_the_same_in_its_own_words() -> None:
    usage = responses_usage(result())
    assert usage is not None
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (400, 40, 440)
    assert usage["input_tokens_details"] == {"cached_tokens": 20}
    assert usage["output_tokens_details"] == {"reasoning_tokens": 12}
    assert usage["cost"] == 0.04
    assert "upstream_inference_input_cost" in usage["cost_details"]


def test_an_unknown_cost_is_left_out_and_never_zero() -> None:
    calls = [*CALLS, call("B", cost_usd=None, cost_source=None)]
    for usage in (chat_usage(result(calls)), responses_usage(result(calls))):
        assert usage is not None
        assert "cost" not in usage
        assert "cost_details" not in usage


def test_without_any_count_there_is_no_usage() -> None:
    calls = [call("A", input_tokens=None, output_tokens=None, cost_usd=None, cost_source=None)]
    assert chat_usage(result(calls)) is None
    assert responses_usage(result(calls)) is None


def test_unreported_details_are_left_out_where_openai_has_no_integer() -> None:
    calls = [call("A", cached_tokens=None, reasoning_tokens=None)]
    chat, responses = chat_usage(result(calls)), responses_usage(result(calls))
    assert chat is not None
    assert responses is not None
    assert chat["prompt_tokens_details"] == chat["completion_tokens_details"] == {}
    assert responses["input_tokens_details"] == {"cached_tokens": 0}
