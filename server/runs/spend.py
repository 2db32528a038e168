"""What one run is charged to: its client's key, or nobody."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Self

from langgraph_fusion.graph.errors import CAP_TOO_SMALL, PRICE_UNKNOWN, ConfigError
from langgraph_fusion.server.api_keys import Charge, Key, KeyRing
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.runs.spending import Spending


@dataclass
class RunAccount:
    """Charges a run before it starts, and settles when it has ended."""

    _keys: KeyRing | None
    _charge: Charge | None
    _spending: Spending = field(default_factory=Spending)
    _started: bool = False

    @classmethod
    async def open(cls, keys: KeyRing | None, key: Key | None, wanted_usd: float | None) -> Self:
        """Charge the key with the most the run may cost.

        Raises:
            ApiError: 402 or 429, if the key's caps do not allow the run.
        """
        if keys is None or key is None:
            return cls(None, None)
        return cls(keys, await asyncio.to_thread(keys.charge, key, wanted_usd))

    @property
    def budget_usd(self) -> float | None:
        """What the run may cost at most, for the key's sake."""
        return self._charge.budget_usd if self._charge else None

    def explained(self, error: ConfigError) -> Exception:
        """The error as the client has to see it: 402 if it is the key that pays too little."""
        if self.budget_usd is None:
            return error
        if error.code == PRICE_UNKNOWN:
            return _unpriced(error)
        if error.code != CAP_TOO_SMALL:
            return error
        said = f"this run would have had ${self.budget_usd:.4f} of the spend cap of this key"
        return ApiError(402, f"{said}; {error}", code="insufficient_quota", param="budget_usd")

    def event(self, event: dict[str, Any]) -> None:
        self._started = True
        self._spending.event(event)

    async def close(self, *, abandoned: bool) -> None:
        """Settle; the calls that an abandoned run had in flight are of unknown cost."""
        if self._keys is None or self._charge is None:
            return
        unknown = abandoned and self._started
        cost = None if unknown else self._spending.cost_usd
        await asyncio.to_thread(self._keys.settle, self._charge, cost, self._spending.known_usd)


def _unpriced(error: ConfigError) -> ApiError:
    """400: a key with a cap may seat only models whose price is known."""
    return ApiError(
        400,
        f"model: no price is known for {', '.join(error.about)}, so the spend cap of this key "
        "cannot be kept; choose models that have a price, or ask the operator to add it",
        code=PRICE_UNKNOWN,
        param="model",
    )
