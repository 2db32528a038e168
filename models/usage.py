"""What a model call used and cost, also one that failed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from langgraph_fusion.models.prices import PriceTable, default_prices

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from langchain_core.messages.ai import UsageMetadata

    from langgraph_fusion.models.faults import Fault
    from langgraph_fusion.models.providers import ModelRef

CostSource = Literal["provider", "price_table"]
Number = TypeVar("Number", int, float)
_TIMEOUTS = (408, 499)
_MOST = 1e12
_OF_A_BILL = (
    "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details",
    "completion_tokens_details", "prompt_cache_hit_tokens", "cost", "cost_details", "is_byok",
)  # fmt: skip


@dataclass(frozen=True)
class Usage:
    """Tokens and money of one call or of several; what is unknown is None, never 0."""

    input_tokens: int | None = None
    """All tokens of the prompt, cached ones included."""
    output_tokens: int | None = None
    """All tokens of the reply, reasoning included."""
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    cost_source: CostSource | None = None

    def __add__(self, other: Usage) -> Usage:
        """Add two; a sum with an unknown part is unknown."""
        cost = _sum(self.cost_usd, other.cost_usd)
        return Usage(
            input_tokens=_sum(self.input_tokens, other.input_tokens),
            output_tokens=_sum(self.output_tokens, other.output_tokens),
            cached_tokens=_sum(self.cached_tokens, other.cached_tokens),
            reasoning_tokens=_sum(self.reasoning_tokens, other.reasoning_tokens),
            cost_usd=cost,
            cost_source=None if cost is None else _weaker(self.cost_source, other.cost_source),
        )

    def as_metadata(self) -> UsageMetadata | None:
        """Return LangChain's form of it, which cannot say that a number is unknown."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "input_token_details": {"cache_read": self.cached_tokens or 0},
            "output_token_details": {"reasoning": self.reasoning_tokens or 0},
        }


NOTHING_USED = Usage(0, 0, 0, 0, 0.0)


def total(usages: Iterable[Usage]) -> Usage:
    """Return the sum; of no calls, zeros."""
    return sum(usages, NOTHING_USED)


def usage_of(message: BaseMessage, ref: ModelRef, prices: PriceTable | None = None) -> Usage:
    """Read a reply's bill, streamed or not; without a price from the provider, ask the table.

    With own keys at OpenRouter the price is its fee, usually 0, plus what the vendor charges;
    otherwise the vendor's share is part of the price and is not added.
    """
    raw = _raw_usage(message)
    used = tokens_of(raw) if raw else _tokens_of_metadata(message)
    cost = _provider_cost(raw)
    if cost is not None:
        return _with_cost(used, cost, "provider")
    price = (prices or default_prices()).price_of(ref)
    if price is None:
        return used
    cost = price.cost_of(used.input_tokens, used.output_tokens, used.cached_tokens)
    return used if cost is None else _with_cost(used, cost, "price_table")


def costs_nothing(fault: Fault, ref: ModelRef) -> bool:
    """Whether it is certain that nobody charges for this failed call.

    - Nobody has seen the request.
    - The server turned it away before a model read it: a status of 400 to 499, timeouts apart.
    - OpenRouter itself says that it failed. It charges neither for an error nor for a reply that
      ends with one, also when the vendor behind it does (openrouter.ai/docs, "Zero Completion
      Insurance", 2026-11).

    All else is unknown: other providers publish no such rule for their 5xx, and a stream that
    broke, a call that took too long or was cancelled, and a gateway's page say nothing about what
    was done. Not covered: what a vendor charges a key of yours that OpenRouter uses.
    """
    status = fault.status_code or 0
    turned_away = 400 <= status < 500 and status not in _TIMEOUTS
    insured = ref.provider == "openrouter" and fault.reported
    return fault.unsent or turned_away or insured


def bill_of(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a reply's body says of its cost, without what cannot be part of a bill."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    kept = {key: usage[key] for key in _OF_A_BILL if usage.get(key) is not None}
    provider = body.get("provider")
    return {"usage": kept, "provider": provider if isinstance(provider, str) else None}


def tokens_of(raw: Mapping[str, Any]) -> Usage:
    """Read the tokens of a provider's usage block; what cannot be read is unknown."""
    cached = _member(raw, "prompt_tokens_details", "cached_tokens")
    if cached is None:
        cached = raw.get("prompt_cache_hit_tokens")  # DeepSeek
    return Usage(
        input_tokens=_tokens(raw.get("prompt_tokens")),
        output_tokens=_tokens(raw.get("completion_tokens")),
        cached_tokens=_tokens(cached),
        reasoning_tokens=_tokens(_member(raw, "completion_tokens_details", "reasoning_tokens")),
    )


def _raw_usage(message: BaseMessage) -> Mapping[str, Any]:
    """Return the provider's usage block; a gateway that repeats it is believed the last time."""
    bills = message.response_metadata.get("bills")
    last = bills[-1] if isinstance(bills, list) and bills else None
    raw = last.get("usage") if isinstance(last, dict) else None
    if raw is None:
        raw = message.response_metadata.get("token_usage")
    return raw if isinstance(raw, dict) else {}


def _tokens_of_metadata(message: BaseMessage) -> Usage:
    """Read LangChain's own field, which every provider's package fills."""
    used: Mapping[str, Any] = getattr(message, "usage_metadata", None) or {}
    return Usage(
        input_tokens=_tokens(used.get("input_tokens")),
        output_tokens=_tokens(used.get("output_tokens")),
        cached_tokens=_tokens(_member(used, "input_token_details", "cache_read")),
        reasoning_tokens=_tokens(_member(used, "output_token_details", "reasoning")),
    )


def _provider_cost(raw: Mapping[str, Any]) -> float | None:
    cost = raw.get("cost")
    if isinstance(cost, dict):  # Perplexity
        cost = cost.get("total_cost")
    paid = _number(cost)
    upstream = _number(_member(raw, "cost_details", "upstream_inference_cost"))
    if raw.get("is_byok") is True or (paid == 0 and upstream):
        return None if upstream is None else (paid or 0.0) + upstream
    return paid


def _member(raw: Mapping[str, Any], block: str, name: str) -> Any:
    inner = raw.get(block)
    return inner.get(name) if isinstance(inner, dict) else None


def _tokens(given: Any) -> int | None:
    number = _number(given)
    return None if number is None else math.ceil(number)


def _number(given: Any) -> float | None:
    """A number that can be part of a bill: not negative, not NaN, and no more than a trillion."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        number = float(given)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= _MOST else None


def _with_cost(used: Usage, cost: float, source: CostSource) -> Usage:
    return Usage(
        used.input_tokens,
        used.output_tokens,
        used.cached_tokens,
        used.reasoning_tokens,
        cost,
        source,
    )


def _sum(a: Number | None, b: Number | None) -> Number | None:
    return None if a is None or b is None else a + b


def _weaker(a: CostSource | None, b: CostSource | None) -> CostSource | None:
    return "price_table" if "price_table" in (a, b) else a or b
