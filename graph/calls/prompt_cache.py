"""When to ask a provider to cache a prompt that will be sent again, one turn longer.

Most providers cache the unchanged beginning of a prompt by themselves. Anthropic's models do
so only where a request says so, and charge a quarter more for what they write into the cache and a
tenth or less for what they read from it. That pays for members, who send a growing prompt at every
turn with tools; their last turn, judge and writer send theirs once. (Under another `tool_choice`
these models read nothing of the messages from the cache, so the last turn would only write.)
Sources, 2026-11: openrouter.ai/docs (`cache_control` at the top level of a request) and
platform.claude.com/docs (prompt caching).
"""

from typing import Any

from langgraph_fusion.models.prices import Price
from langgraph_fusion.models.providers import ModelRef

_WRITE = 1.25
"""Price of a token written into the cache for five minutes, in prices of input."""


def caches_on_demand(ref: ModelRef) -> bool:
    """Whether the model caches only on request."""
    return ref.provider == "openrouter" and ref.name.lstrip("~").startswith("anthropic/")


def cache_fields(ref: ModelRef) -> dict[str, Any]:
    """Fields that ask for the cache, in a request whose prompt will be sent again, longer."""
    return {"cache_control": {"type": "ephemeral"}} if caches_on_demand(ref) else {}


def with_cache_writes(price: Price, ref: ModelRef) -> Price:
    """The price at its dearest: every token of the prompt written into the cache."""
    if not caches_on_demand(ref):
        return price
    return Price(price.input * _WRITE, price.output, price.cached)
