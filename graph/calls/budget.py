"""The spend cap of a run: the worst case of a call is set aside before the call is made.

The worst case is the whole prompt and the whole output limit at listed prices. Members that work
side by side would lock each other out if each set aside a limit it hardly ever needs, so a call
takes less when others are under way: half its output limit is enough to start at once; below that
it waits until they are settled at what they really cost; alone, it takes what there is.

Not covered: a provider that charges more than its listed price.
"""

import asyncio
from dataclasses import dataclass

from langgraph_fusion.graph.settings import UnknownCost
from langgraph_fusion.models.prices import Price

LEAST_OUTPUT = 2_000
"""Tokens below which a call is not worth its money: reasoning alone may take as many. Ours."""
TOOL_RESULTS = 16_000
"""Tokens that the tool calls of one turn may add to the next prompt. Ours."""
_DUST = 1e-9
"""Dollars; sums of floating point numbers differ from each other by less."""


class BudgetReached(Exception):
    """A call was not started because it might have passed the spend cap."""


@dataclass(frozen=True)
class Planned:
    """A call before it is made."""

    price: Price
    input_tokens: int
    """More than the prompt can have."""
    max_tokens: int
    """The output limit it would like to have."""

    @property
    def least(self) -> int:
        """The smallest output limit with which the call is worth making."""
        return min(self.max_tokens, LEAST_OUTPUT)

    @property
    def enough(self) -> int:
        """The output limit with which it need not wait for others."""
        return max(self.least, self.max_tokens // 2)

    def usd(self, output_tokens: int, more_input: int = 0) -> float:
        """What the call costs at most with this output limit."""
        known = self.price.cost_of(self.input_tokens + more_input, output_tokens, 0)
        assert known is not None
        return known

    def output_within(self, usd: float) -> int:
        """The largest output limit, up to the one wished for, that so many dollars pay."""
        rest = usd + _DUST - self.usd(0)
        if rest < 0:
            return -1
        each = self.price.output / 1e6
        return self.max_tokens if not each else min(self.max_tokens, int(rest / each))


@dataclass(frozen=True)
class Reserved:
    """What a call may use."""

    usd: float
    max_tokens: int | None
    """Its output limit; None leaves it to the provider."""


class Budget:
    """The spend cap of a run and what is left of it; without a cap, no limit."""

    def __init__(self, cap_usd: float | None, unknown: UnknownCost = "refuse") -> None:
        self.cap_usd = cap_usd
        self.unknown = unknown
        self.spent_usd = 0.0
        """What counts towards the cap, of the calls that are over."""
        self._reserved_usd = 0.0
        self._under_way = 0
        self._settled = asyncio.Event()

    async def reserve(self, call: Planned, share: float) -> Reserved:
        """Set aside the worst case of a call, waiting for calls under way when that can help.

        Raises:
            BudgetReached: If it might pass this share of the cap.
        """
        while True:
            fits = call.output_within(self._room(share))
            if fits >= (call.enough if self._under_way else call.least):
                return self._set_aside(call, fits)
            if not self._under_way or call.output_within(self._limit(share)) < call.least:
                least = call.usd(call.least)
                raise BudgetReached(f"a call worth up to ${least:.4f} might pass the spend cap")
            await self._settled.wait()

    async def reserve_two(
        self, first: Planned, second: Planned, share: float
    ) -> tuple[Reserved, Reserved | None]:
        """Set aside the worst case of a call, and that of one that may be made beside it.

        The second gets nothing, and is not to be made, where the first could not have half its
        output limit then.

        Raises:
            BudgetReached: As `reserve`, for the first.
        """
        for least in (second.enough, second.least):
            fits = first.output_within(self._room(share) - second.usd(least))
            if fits >= first.enough:
                mine = self._set_aside(first, fits)
                return mine, self._set_aside(second, second.output_within(self._room(share)))
        return await self.reserve(first, share), None

    def reserve_usd(self, usd: float, share: float) -> Reserved:
        """Set aside what something other than a model call costs.

        Raises:
            BudgetReached: If it might pass this share of the cap.
        """
        if self.cap_usd is None:
            return Reserved(0.0, None)
        if usd > self._room(share) + _DUST:
            raise BudgetReached(f"${usd:.4f} might pass the spend cap")
        self._reserved_usd += usd
        self._under_way += 1
        return Reserved(usd, None)

    def raise_cap(self, usd: float) -> None:
        """Allow so many US dollars in all, and let calls that wait for money look again."""
        self.cap_usd = usd
        self._settled.set()
        self._settled = asyncio.Event()

    def settle(self, reserved: Reserved, actual_usd: float | None) -> float:
        """Replace what was set aside by the actual cost; an unknown one counts as the worst.

        Returns what the call counts towards the cap, in US dollars; without a cap 0.
        """
        if self.cap_usd is None:
            return 0.0
        worst = 0.0 if self.unknown == "ignore" else reserved.usd
        counted = worst if actual_usd is None else actual_usd
        self.spent_usd += counted
        self._reserved_usd -= reserved.usd
        self._under_way -= 1
        self._settled.set()
        self._settled = asyncio.Event()
        return counted

    @property
    def settled_usd(self) -> float | None:
        """What all calls have cost at most; None without a cap, and while one is under way."""
        return None if self.cap_usd is None or self._under_way else self.spent_usd

    def affords_another(self, call: Planned, share: float) -> bool:
        """Whether a turn with tool calls would leave enough for one more call after it."""
        both = call.usd(call.enough) + call.usd(call.least, TOOL_RESULTS + call.enough)
        return both <= self._room(share)

    def left(self, share: float) -> bool:
        """Whether anything of this share is left."""
        return self.cap_usd is None or self.spent_usd < self.cap_usd * share

    def _limit(self, share: float) -> float:
        assert self.cap_usd is not None
        return self.cap_usd * share - self.spent_usd

    def _room(self, share: float) -> float:
        return self._limit(share) - self._reserved_usd

    def _set_aside(self, call: Planned, output_tokens: int) -> Reserved:
        worst = call.usd(output_tokens)
        self._reserved_usd += worst
        self._under_way += 1
        return Reserved(worst, output_tokens)
