"""What a model call used and cost, also one that failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from langgraph_fusion.models.prices import PriceTable, default_prices

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from langgraph_fusion.models.faults import Fault
    from langgraph_fusion.models.providers import ModelRef

CostSource = Literal["provider", "price_table"]
Number = TypeVar("Number", int, float)
_TIMEOUTS = (408, 499)


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
    used = _tokens_of(raw) if raw else _tokens_of_metadata(message)
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


def _raw_usage(message: BaseMessage) -> Mapping[str, Any]:
    """Return the provider's usage block; a gateway that repeats it is believed the last time."""
    bills = message.response_metadata.get("bills")
    raw = bills[-1]["usage"] if bills else message.response_metadata.get("token_usage")
    return raw or {}


def _tokens_of(raw: Mapping[str, Any]) -> Usage:
    cached = (raw.get("prompt_tokens_details") or {}).get("cached_tokens")
    if cached is None:
        cached = raw.get("prompt_cache_hit_tokens")  # DeepSeek
    details = raw.get("completion_tokens_details") or {}
    return Usage(
        input_tokens=raw.get("prompt_tokens"),
        output_tokens=raw.get("completion_tokens"),
        cached_tokens=cached,
        reasoning_tokens=details.get("reasoning_tokens"),
    )


def _tokens_of_metadata(message: BaseMessage) -> Usage:
    """Read LangChain's own field, which every provider's package fills."""
    used: Mapping[str, Any] = getattr(message, "usage_metadata", None) or {}
    return Usage(
        input_tokens=used.get("input_tokens"),
        output_tokens=used.get("output_tokens"),
        cached_tokens=(used.get("input_token_details") or {}).get("cache_read"),
        reasoning_tokens=(used.get("output_token_details") or {}).get("reasoning"),
    )


def _provider_cost(raw: Mapping[str, Any]) -> float | None:
    cost = raw.get("cost")
    upstream = (raw.get("cost_details") or {}).get("upstream_inference_cost")
    if raw.get("is_byok") or (cost == 0 and upstream):
        return None if upstream is None else float(cost or 0.0) + float(upstream)
    return None if cost is None else float(cost)


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
