"""What a run has cost so far, and the key that it is charged to."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

from langgraph_fusion.graph.errors import CAP_TOO_SMALL, PRICE_UNKNOWN, ConfigError
from langgraph_fusion.graph.records import CostSum, sum_costs
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.keys.key import Charge, Key
from langgraph_fusion.server.keys.key_ring import KeyRing
from langgraph_fusion.server.runs.run_request import RunRequest

_WHOSE = ("kind", "stage", "seat", "round", "model")
"""Members of a call that tell whose it is; those of one seat come in their order."""


class RunCost:
    """Adds up the calls of one run from its events, without those that were paid before.

    That are calls of an earlier turn, and those of a run that was resumed: they were charged with
    the request that made them. Where another worker goes on with the run, `run.started` comes again
    and all calls are replayed: those that the first worker did not live to tell are new.
    """

    def __init__(self) -> None:
        self.calls = 0
        self._starts = 0
        self._told = Counter[tuple[Any, ...]]()
        self._told_again = Counter[tuple[Any, ...]]()
        self._sum = CostSum(0.0, 0)
        self._at_most_usd: float | None = 0.0
        self._counted_usd = 0.0

    @property
    def cost_usd(self) -> float | None:
        """None as soon as one call's cost is unknown."""
        return self._sum.total_usd

    @property
    def known_usd(self) -> float:
        """What is known of the cost."""
        return self._sum.known_usd

    @property
    def at_most_usd(self) -> float | None:
        """The cost, with what was set aside for a call whose own is unknown.

        None as soon as nothing was set aside for such a call: then there is no limit to it.
        """
        return self._at_most_usd

    def stopped_usd(self, settled_usd: float | None) -> float | None:
        """The cost at most of a run that was stopped, whose last calls were not told.

        `settled_usd` is what all its calls count, those included that were paid before.
        """
        if settled_usd is None or self._at_most_usd is None:
            return None
        return self._at_most_usd + max(0.0, settled_usd - self._counted_usd)

    def event(self, event: dict[str, Any]) -> None:
        if event["type"] == "gap":  # what was lost may have told of calls
            self._at_most_usd = None
            self._sum = CostSum(self._sum.known_usd, self._sum.unknown + 1)
        if event["type"] == "model.call":
            self._counted_usd += event.get("counted_usd") or 0.0
        if event["type"] == "run.started":
            self._starts += 1
            self._told_again.clear()
        if event["type"] == "model.call" and self._is_new(event):
            self._add(event)

    def _is_new(self, event: dict[str, Any]) -> bool:
        """Whether this request pays for a call, and has not been told of it before."""
        one = tuple(event.get(name) for name in _WHOSE)
        self._told_again[one] += 1
        told_before = self._told_again[one] <= self._told[one]
        self._told[one] = max(self._told[one], self._told_again[one])
        if not event.get("replayed"):
            return not event.get("carried")
        return self._starts > 1 and not told_before and not event.get("carried")

    def _add(self, event: dict[str, Any]) -> None:
        self.calls += event.get("kind", "model") == "model"
        cost = sum_costs([self._sum.known_usd, event["cost_usd"]])
        self._sum = CostSum(cost.known_usd, self._sum.unknown + cost.unknown)
        most = event["cost_usd"] if event["cost_usd"] is not None else event.get("counted_usd")
        before = self._at_most_usd
        self._at_most_usd = None if before is None or most is None else before + most


@dataclass
class RunAccount:
    """Charges a run before it starts, and settles when it has ended."""

    _keys: KeyRing | None
    _charge: Charge | None
    _key: Key | None = None
    _cost: RunCost = field(default_factory=RunCost)
    _started: bool = False

    @classmethod
    async def open(
        cls, keys: KeyRing | None, key: Key | None, wanted_usd: float | None, priority: int = 0
    ) -> Self:
        """Charge the key with the most the run may cost.

        Raises:
            ApiError: 402 or 429, if the key's caps do not allow the run.
        """
        if keys is None or key is None:
            return cls(None, None)
        return cls(keys, await keys.charge(key, wanted_usd, priority=priority), key)

    @property
    def budget_usd(self) -> float | None:
        """The most that the run may cost; None if the key has no cap."""
        return self._charge.budget_usd if self._charge else None

    @property
    def cost_usd(self) -> float | None:
        """What the run has cost so far; None if that is unknown in part."""
        return self._cost.cost_usd

    async def raise_to(self, usd: float) -> None:
        """Charge the key with more for this run.

        Raises:
            ApiError: 402, if the key's caps do not allow that much.
        """
        if self._keys and self._key and self._charge:
            self._charge = await self._keys.raise_charge(self._key, self._charge, usd)

    def limit(self, request: RunRequest) -> RunRequest:
        """Return the request within the key's cap, which holds only where every price is known."""
        if self.budget_usd is None:
            return request
        return request.with_settings(budget_usd=self.budget_usd, unknown_cost="refuse")

    def to_api_error(self, error: ConfigError) -> Exception:
        """Return the error for this key: 402 if its cap is too small, 400 if a price is missing."""
        if self.budget_usd is None:
            return error
        if error.code == PRICE_UNKNOWN:
            return _unpriced(error)
        if error.code == CAP_TOO_SMALL:
            return _too_small(error, self.budget_usd)
        return error

    async def begin(self) -> None:
        """Return when the run may make calls: its turn among all servers has come.

        Raises:
            ApiError: 503, if it cannot begin any more, or nobody can say so.
        """
        if self._keys is not None and self._charge is not None:
            await self._keys.begin(self._charge)
        self._started = True

    def event(self, event: dict[str, Any]) -> None:
        self._cost.event(event)

    async def close(self, *, abandoned: bool, settled_usd: float | None) -> None:
        """Settle; a call of unknown cost is charged with what was set aside for it.

        Of an abandoned run `settled_usd` is what its calls count, also those that were cut off;
        None if nobody knows: then it stays charged in full.
        """
        if self._keys is None or self._charge is None:
            return
        if not self._started:
            await self._keys.refund(self._charge)
            return
        cost = self._cost.stopped_usd(settled_usd) if abandoned else self._cost.at_most_usd
        await self._keys.settle(self._charge, cost, self._cost.known_usd)


def _too_small(error: ConfigError, budget_usd: float) -> ApiError:
    had = f"this run would have had ${budget_usd:.4f} of the spend cap of this key"
    return ApiError(402, f"{had}; {error}", code="insufficient_quota", param="budget_usd")


def _unpriced(error: ConfigError) -> ApiError:
    return ApiError(
        400,
        f"model: no price is known for {', '.join(error.about)}, so the spend cap of this key "
        "cannot be kept; choose models that have a price, or ask the operator to add it",
        code=PRICE_UNKNOWN,
        param="model",
    )
