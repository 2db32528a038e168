"""Prices per million tokens, for calls whose provider does not say what they cost.

Not covered: dearer rates for long contexts, cache writes, images, time-of-day rates, and variants
of a model (`:online`, `:nitro`) other than `:free`. What is not covered has no price or the base
price, so a cost from this table is an estimate; `Usage.cost_source` says when it was used.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph_fusion.models.errors import ModelConfigError
from langgraph_fusion.models.providers import providers

if TYPE_CHECKING:
    from langgraph_fusion.models.providers import ModelRef

_LISTED = re.compile(r"listed on (\d{4}-\d{2}-\d{2})")
_RELEASE_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})$")


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float
    cached: float | None = None
    """Of prompt tokens that were read from the provider's cache; None is the price of input."""

    def cost_of(self, input_: int | None, output: int | None, cached: int | None) -> float | None:
        """Return dollars for that many tokens; `input_` includes `cached`.

        Of an unknown number the cost is unknown, unless it is free; an unknown `cached` is none.
        """
        if self == FREE:
            return 0.0
        if input_ is None or output is None:
            return None
        hits = min(cached or 0, input_)
        reread = self.input if self.cached is None else self.cached
        return ((input_ - hits) * self.input + hits * reread + output * self.output) / 1e6


FREE = Price(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class PriceTable:
    """Prices by `vendor/name`, or by `provider:name` where a provider has its own."""

    by_model: Mapping[str, Price]

    def price_of(self, ref: ModelRef) -> Price | None:
        """Return the price of a model; of a server on this machine it is zero."""
        provider = providers()[ref.provider]
        if provider.on_this_machine or ref.provider == "offline":
            return self.by_model.get(_key(str(ref)), FREE)
        if ref.provider == "openrouter" and ref.name.endswith(":free"):
            return FREE
        names = [str(ref), ref.name if ref.provider == "openrouter" else None]
        if provider.vendor:
            undated = _RELEASE_DATE.sub("", ref.name)
            names += [f"{provider.vendor}/{ref.name}", f"{provider.vendor}/{undated}"]
        found = (self.by_model.get(_key(name)) for name in names if name)
        return next((price for price in found if price), None)

    def dearest(self) -> Price:
        """Return a price as high as any in the table, for a model that has none."""
        prices = self.by_model.values()
        return Price(max(one.input for one in prices), max(one.output for one in prices))


@cache
def default_prices() -> PriceTable:
    """Return the table that ships with the package."""
    return PriceTable(_read(Path(__file__).with_name("prices.toml")))


@cache
def prices_date() -> str | None:
    """The day on which the shipped prices were listed, ISO 8601."""
    found = _LISTED.search(Path(__file__).with_name("prices.toml").read_text(encoding="utf-8"))
    return found[1] if found else None


def load_prices(user_file: Path | None = None) -> PriceTable:
    """Return the shipped table with the user's entries over it.

    Raises:
        ModelConfigError: If the file cannot be read or an entry is not a price.
    """
    shipped = default_prices()
    return PriceTable({**shipped.by_model, **_read(user_file)}) if user_file else shipped


def _read(path: Path) -> dict[str, Price]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelConfigError(f"The price file `{path}` cannot be read: {error}") from error
    return {_key(name): _price(name, entry, path) for name, entry in raw.items()}


def _price(name: str, entry: Any, path: Path) -> Price:
    try:
        price = Price(**{key: float(value) for key, value in entry.items()})
    except (AttributeError, TypeError, ValueError):
        price = None
    if price is None or min(price.input, price.output, price.cached or 0.0) < 0:
        raise ModelConfigError(
            f'`{name}` in `{path}` is no price: write `"{name}" = {{ input = 1.0, output = 2.0, '
            "cached = 0.1 }`, in dollars per million tokens (`cached` may be left out)."
        )
    return price


def _key(name: str) -> str:
    """Treat `claude-opus-4.8` and `claude-opus-4-8` as one name."""
    return name.lower().replace(".", "-")
