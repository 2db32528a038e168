from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef
from langgraph_fusion.models.usage import NOTHING_USED, Usage, costs_nothing, total, usage_of

REF = ModelRef("openrouter", "vendor/unlisted")
LISTED = ModelRef("openai", "gpt-5.5")


def answer(**usage: Any) -> AIMessage:
    block = {"prompt_tokens": 1000, "completion_tokens": 100} | usage
    return AIMessage("Yes.", response_metadata={"bills": [{"usage": block, "provider": "x"}]})


def test_the_providers_cost_is_taken_and_its_upstream_share_not_added() -> None:
    used = usage_of(answer(cost=0.02, cost_details={"upstream_inference_cost": 0.02}), REF)
    assert (used.cost_usd, used.cost_source) == (0.02, "provider")


@pytest.mark.parametrize("marked", [{"is_byok": True}, {}])
def test_with_own_keys_the_upstream_cost_counts(marked: dict[str, bool]) -> None:
    used = usage_of(answer(cost=0, cost_details={"upstream_inference_cost": 0.03}, **marked), REF)
    assert used.cost_usd == 0.03


def test_with_own_keys_and_no_upstream_cost_the_cost_is_unknown() -> None:
    assert usage_of(answer(cost=0, is_byok=True), REF).cost_usd is None


def test_without_a_cost_the_price_table_is_asked() -> None:
    used = usage_of(answer(prompt_tokens_details={"cached_tokens": 400}), LISTED)
    assert used.cost_source == "price_table"
    assert used.cost_usd == pytest.approx((600 * 5 + 400 * 0.5 + 100 * 30) / 1e6)


def test_what_nobody_says_is_unknown_and_not_zero() -> None:
    assert usage_of(answer(), REF) == Usage(1000, 100, None, None, None, None)
    assert usage_of(AIMessage("Yes."), REF) == Usage()
    assert usage_of(AIMessage("Yes."), LISTED).cost_usd is None


def test_servers_on_this_machine_and_the_offline_models_are_free() -> None:
    for ref in (ModelRef("ollama", "qwen3:8b"), ModelRef("offline", "keyword")):
        assert usage_of(AIMessage("Yes."), ref).cost_usd == 0.0


def test_a_streamed_message_with_a_response_format_is_read_from_its_metadata() -> None:
    metadata = {"token_usage": {"prompt_tokens": 7, "completion_tokens": 3, "cost": 0.1}}
    used = usage_of(AIMessage("{}", response_metadata=metadata), REF)
    assert (used.input_tokens, used.output_tokens, used.cost_usd) == (7, 3, 0.1)


def test_a_message_of_another_langchain_package_is_read() -> None:
    message = AIMessage(
        "Yes.",
        usage_metadata={
            "input_tokens": 10,
            "output_tokens": 5,
            "total_tokens": 15,
            "input_token_details": {"cache_read": 4},
            "output_token_details": {"reasoning": 2},
        },
    )
    ref = ModelRef("anthropic", "claude-opus-4-8")
    used = usage_of(message, ref)
    assert (used.input_tokens, used.output_tokens) == (10, 5)
    assert (used.cached_tokens, used.reasoning_tokens) == (4, 2)
    assert used.cost_usd == pytest.approx((6 * 5 + 4 * 0.5 + 5 * 25) / 1e6)


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    known = Usage(10, 5, 0, 0, 0.1, "provider")
    assert total([known, known]) == Usage(20, 10, 0, 0, 0.2, "provider")
    assert total([known, Usage(10, 5)]) == Usage(20, 10)
    assert total([known, Usage(1, 1, 0, 0, 0.1, "price_table")]).cost_source == "price_table"
    assert total([]) == NOTHING_USED


ROUTER, DIRECT = ModelRef.parse("openrouter:v/m"), ModelRef.parse("openai:m")


@pytest.mark.parametrize(
    ("fault", "router", "direct"),
    [
        (Fault("rate_limited", status_code=429), True, True),
        (Fault("invalid_model", status_code=404), True, True),
        (Fault("connection", unsent=True), True, True),
        (Fault("upstream_error", status_code=503, reported=True), True, False),
        (Fault("upstream_error", reported=True), True, False),
        (Fault("upstream_error", status_code=502), False, False),
        (Fault("timeout", status_code=504), False, False),
        (Fault("timeout", status_code=408), False, False),
        (Fault("timeout"), False, False),
        (Fault("connection"), False, False),
        (Fault("cancelled"), False, False),
        (Fault("bad_response"), False, False),
    ],
    ids=lambda value: f"{value.reason} {value.status_code}" if isinstance(value, Fault) else "",
)
def test_a_failed_call_is_free_only_where_that_is_certain(
    fault: Fault, router: bool, direct: bool
) -> None:
    assert (costs_nothing(fault, ROUTER), costs_nothing(fault, DIRECT)) == (router, direct)
