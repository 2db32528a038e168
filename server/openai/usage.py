"""What a run used, in the words of the two OpenAI APIs and of the hosted product.

Tokens are those of the writer's calls, by which clients size their context, or of the whole run, as
the hosted product reports them; the bill by seat and stage is among our own additions. Nothing has
to be added up: `cost` is the whole price of the run, left out if it is unknown, and
`upstream_inference_cost` says that all of it went upstream.
"""

from typing import Any

from langgraph_fusion.graph.records import Call, Totals
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.server.runs.run_request import UsageOf

Json = dict[str, Any]


def chat_usage(result: FusionResult, usage_of: UsageOf = "run") -> Json | None:
    """The `usage` of a chat completion; None when no call reported its tokens."""
    total = _tokens(result, usage_of)
    if total.input_tokens is None or total.output_tokens is None:
        return None
    return {
        "prompt_tokens": total.input_tokens,
        "completion_tokens": total.output_tokens,
        "total_tokens": total.input_tokens + total.output_tokens,
        "prompt_tokens_details": _known(cached_tokens=total.cached_tokens),
        "completion_tokens_details": _known(reasoning_tokens=total.reasoning_tokens),
    } | _money_and_tools(result, ("prompt", "completions"))


def responses_usage(result: FusionResult, usage_of: UsageOf = "run") -> Json | None:
    """The `usage` of a response; None when no call reported its tokens.

    OpenAI's schema requires integers as details, so a count that no provider reported is 0 there;
    the bill among our own additions tells unknown from none.
    """
    total = _tokens(result, usage_of)
    if total.input_tokens is None or total.output_tokens is None:
        return None
    return {
        "input_tokens": total.input_tokens,
        "input_tokens_details": {"cached_tokens": total.cached_tokens or 0},
        "output_tokens": total.output_tokens,
        "output_tokens_details": {"reasoning_tokens": total.reasoning_tokens or 0},
        "total_tokens": total.input_tokens + total.output_tokens,
    } | _money_and_tools(result, ("input", "output"))


def _tokens(result: FusionResult, usage_of: UsageOf) -> Totals:
    """The tokens of the writer's calls, or where it made none and of a whole run of all calls."""
    calls = _new(result)
    written = [call for call in calls if call.stage == "synthesizer"]
    return Totals.of(written if usage_of == "answer" and written else calls)


def _new(result: FusionResult) -> list[Call]:
    """The calls of this turn: what an earlier turn has paid for is not paid for again."""
    return [call for call in result.bill.calls if not call.carried]


def _money_and_tools(result: FusionResult, parts: tuple[str, str]) -> Json:
    """Of the whole run, whosever tokens are counted."""
    total = Totals.of(_new(result))
    worked = {(call.seat, call.round) for call in _new(result)}
    answers = [one for one in result.answers if (one.seat, one.round) in worked]
    calls = sum(answer.tool_calls for answer in answers)
    errors = sum(answer.tool_errors for answer in answers)
    used: Json = {
        "server_tool_use_details": {
            "tool_calls_requested": calls,
            "tool_calls_executed": calls - errors,
            "web_search_requests": sum(answer.searches for answer in answers),
        },
        "is_byok": False,
    }
    if total.cost_usd is not None:
        used["cost"] = total.cost_usd
        used["cost_details"] = {
            "upstream_inference_cost": total.cost_usd,
            **{f"upstream_inference_{part}_cost": None for part in parts},
        }
    return used


def _known(**counts: int | None) -> Json:
    return {name: count for name, count in counts.items() if count is not None}
