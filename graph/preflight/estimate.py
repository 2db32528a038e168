"""What a run would use and cost, before it starts: low, likely and high, by stage and in all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from langgraph_fusion.graph.preflight.readiness import user_prices
from langgraph_fusion.graph.preflight.usage_profile import TIERS, Tier, Use, profile_source, uses
from langgraph_fusion.graph.records import Stage
from langgraph_fusion.graph.request.image_tokens import likely_tokens
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.models.prices import PriceTable
from langgraph_fusion.tools.search.engines import engines


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Tokens(_Part):
    """A number of calls or tokens."""

    low: int
    likely: int
    high: int


class Dollars(_Part):
    """An amount in US dollars."""

    low: float
    likely: float
    high: float


class StageEstimate(_Part):
    """One stage of a run, or all of it."""

    calls: Tokens
    input_tokens: Tokens
    output_tokens: Tokens
    cost_usd: Dollars | None
    """None when a model of the stage has no listed price: unknown, not zero."""


class Estimate(_Part):
    """What a run with these settings would cost. Nothing was called to find out."""

    preset: str
    stages: dict[Stage, StageEstimate]
    total: StageEstimate
    source: str
    """What the figures were derived from."""
    notes: tuple[str, ...]
    """What the figures leave out, in sentences."""


def estimate(
    settings: FusionSettings,
    question: str = "",
    images: Sequence[Mapping[str, Any]] = (),
    file_chars: int = 0,
) -> Estimate:
    """Estimate a run; needs no key, and fallback models are taken as not needed.

    `images` are content blocks; each counts in every call that sends the question. `file_chars` are
    characters of files, which count in the calls of seats that cannot search them.

    Low takes what is read again from the providers' caches at their price for it; likely and high
    do not count on caches. With `budget_usd` no figure in dollars is above it.

    Raises:
        ConfigError: If the user's price table cannot be read.
    """
    prices = user_prices()
    made = {
        tier: list(uses(settings, question, tier, _tokens_of(images), file_chars)) for tier in TIERS
    }
    stages = dict.fromkeys(use.stage for use in made["high"])
    return Estimate(
        preset=settings.preset,
        stages={stage: _sum(made, prices, settings, stage) for stage in stages},
        total=_sum(made, prices, settings),
        source=profile_source(),
        notes=tuple(_notes(settings, made["high"], prices, with_images=bool(images))),
    )


_Made = dict[Tier, list[Use]]


def _sum(
    made: _Made, prices: PriceTable, settings: FusionSettings, stage: Stage | None = None
) -> StageEstimate:
    mine = {
        tier: [one for one in all_ if stage in (None, one.stage)] for tier, all_ in made.items()
    }
    return StageEstimate(
        calls=_tokens(mine, lambda use: use.calls),
        input_tokens=_tokens(mine, lambda use: use.input_tokens),
        output_tokens=_tokens(mine, lambda use: use.output_tokens),
        cost_usd=_dollars(mine, prices, settings.budget_usd),
    )


def _tokens(mine: _Made, figure: Callable[[Use], int]) -> Tokens:
    return Tokens(**{tier: sum(map(figure, all_)) for tier, all_ in mine.items()})


def _dollars(mine: _Made, prices: PriceTable, cap: float | None) -> Dollars | None:
    sums: dict[str, float] = {}
    for tier, all_ in mine.items():
        costs = [_cost(use, prices, cached=tier == "low") for use in all_]
        known = [cost for cost in costs if cost is not None]
        if len(known) < len(costs):
            return None
        sums[tier] = round(min(sum(known), cap) if cap else sum(known), 6)
    return Dollars(**sums)


def _cost(use: Use, prices: PriceTable, *, cached: bool) -> float | None:
    price = prices.price_of(use.seat.models[0])
    reread = use.reread_tokens if cached else 0
    return price.cost_of(use.input_tokens, use.output_tokens, reread) if price else None


def _tokens_of(images: Sequence[Mapping[str, Any]]) -> int:
    facts = [image.get("extras") or {} for image in images]
    return sum(
        likely_tokens(one.get("width"), one.get("height"), one.get("detail")) for one in facts
    )


def _notes(
    settings: FusionSettings, high: Sequence[Use], prices: PriceTable, *, with_images: bool
) -> Iterable[str]:
    if with_images:
        yield (
            "Images count by OpenAI's rule of tiles. Where a seat's model reads none, one more "
            "call describes them."
        )
    models = dict.fromkeys(use.seat.models[0] for use in high)
    if unknown := [str(ref) for ref in models if prices.price_of(ref) is None]:
        yield (
            f"No price is listed for {', '.join(unknown)}, so the cost is unknown. "
            "Add the price to prices.toml in the configuration folder."
        )
    if any(ref.provider == "offline" for ref in models):
        yield "Offline programs use no tokens and cost nothing; the figures are those of models."
    if settings.budget_usd is not None:
        yield f"The spend cap of ${settings.budget_usd:g} bounds every figure in dollars."
    yield from _search_notes(settings)
    yield (
        "The figures were recorded on deep-research questions; plain ones cost less. Reasoning "
        "before a member's last call, retries and fees of tool services are not in them."
    )


def _search_notes(settings: FusionSettings) -> Iterable[str]:
    seats = [seat for seat in settings.members if "web_search" in settings.tools_of(seat)]
    most = sum(settings.max_calls_of(seat) for seat in seats)
    for name in settings.search if seats else ():
        if usd := engines()[name].usd:
            yield (
                f"A search with `{name}` costs ${usd:g} at list price, which is not in the "
                f"figures; in the first round there are {most} at most."
            )
