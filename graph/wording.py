"""Figures in a reader's words: money, tokens, time, and what a run cost."""

from collections.abc import Iterable, Mapping
from typing import Any

from langgraph_fusion.graph.records import sum_costs


def money(dollars: float) -> str:
    """`$0.0123`, `$4.56`; an amount that is not zero never reads as zero."""
    if dollars == 0:
        return "$0"
    if dollars < 0.0001:
        return "<$0.0001"
    return f"${dollars:.4f}" if dollars < 1 else f"${dollars:.2f}"


def tokens(count: int | None) -> str:
    """`950`, `12.3k`, `1.2M`; `?` if unknown."""
    if count is None:
        return "?"
    if count < 1000:
        return str(count)
    if count < 999_950:
        return f"{count / 1000:.1f}k"
    return f"{count / 1_000_000:.1f}M"


def duration(seconds: float) -> str:
    """`3.4s`, `59s`, `2m05s`, `1h02m`."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m"


def count(number: int, noun: str) -> str:
    """`1 answer`, `2 answers`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Iterable[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    *most, last = list(names) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def cost_in_words(calls: Iterable[Mapping[str, Any]]) -> str:
    """Say what the model calls of a run cost: an unknown part is named, never counted as zero."""
    made = list(calls)
    if made and all(str(call["model"]).startswith("offline:") for call in made):
        return "no cost"
    cost = sum_costs(call.get("cost_usd") for call in made)
    if not cost.unknown:
        return money(cost.known_usd)
    if cost.known_usd == 0:
        return "cost unknown"
    unpriced = count(cost.unknown, "call")
    return f"cost unknown ({money(cost.known_usd)} known, {unpriced} without a price)"
