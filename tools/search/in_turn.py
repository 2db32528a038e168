"""Search engines in order: when one fails or limits, the next is asked."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.search.base import (
    Found,
    Purse,
    SearchBackend,
    SearchFailure,
    SearchQuery,
    free_purse,
)
from langgraph_fusion.tools.search.engines import Engine
from langgraph_fusion.tools.search.resting import Resting

_PATIENCE_S = 5.0
"""A limit that is over by then is waited for: Brave's are by the second. Ours."""
_MOST_WAITS = 2

Notice = Callable[[str, str], None]
"""A code for `degraded`, and the same in a sentence."""


@dataclass(frozen=True)
class Asked:
    """An engine that is open; `rest_name` stands for it and its address."""

    engine: Engine
    backend: SearchBackend
    rest_name: str


class SearchInTurn:
    """A search over one engine or several."""

    def __init__(self, engines: Sequence[Asked], resting: Resting) -> None:
        self._engines, self._resting = engines, resting
        self.notice: Notice = lambda code, sentence: None
        """Called when an engine was passed over, or none was left."""

    async def search(self, query: SearchQuery, purse: Purse = free_purse) -> Found:
        """Return what the first engine that answers found.

        Raises:
            ToolFailure: What the last one raised, in the words of all.
        """
        failures: list[tuple[Engine, ToolFailure]] = []
        for asked in self._order():
            try:
                found = await self._ask(asked, query, purse)
            except ToolFailure as failure:
                failures.append((asked.engine, failure))
                continue
            self._tell_passed_over(failures, asked.engine)
            return found
        raise self._none_left(failures)

    def _order(self) -> list[Asked]:
        """Those that rest come last."""
        return sorted(self._engines, key=lambda asked: self._resting.rests(asked.rest_name))

    async def _ask(self, asked: Asked, query: SearchQuery, purse: Purse) -> Found:
        """Ask one engine; a limit of a few seconds is waited for, twice at most."""
        waits = _MOST_WAITS
        while True:
            waits -= await self._wait_until_allowed(asked)
            try:
                found = await _paid(asked, query, purse)
            except SearchFailure as failure:
                self._resting.note(asked.rest_name, failure)
                passing = 0 < self._resting.bound_s(asked.rest_name) <= _PATIENCE_S
                if not (waits > 0 and passing):
                    raise
            else:
                self._resting.answered(asked.rest_name)
                return found

    async def _wait_until_allowed(self, asked: Asked) -> bool:
        """Wait while the engine must not be called, if that is not long; whether it was."""
        failure = self._resting.bound_by(asked.rest_name)
        if failure is None:
            return False
        wait_s = self._resting.bound_s(asked.rest_name)
        if wait_s > _PATIENCE_S:
            later = f"{str(failure).rstrip('.')}: not asked for another {wait_s:.0f} s."
            raise SearchFailure(failure.reason, later, status=failure.status)
        await asyncio.sleep(wait_s)
        return True

    def _tell_passed_over(self, failures: Sequence[tuple[Engine, ToolFailure]], by: Engine) -> None:
        for engine, failure in failures:
            why = _REASONS.get(failure.reason, "it failed")
            self.notice("search_fallback", f"{by.title} searched for {engine.title}: {why}.")

    def _none_left(self, failures: Sequence[tuple[Engine, ToolFailure]]) -> ToolFailure:
        """The failures as one; those that only the operator can mend are told to the reader."""
        for engine, failure in failures:
            if failure.reason in ("unauthorized", "insufficient_credits"):
                self.notice("search_failed", f"{engine.title} could not search: {failure}")
        last = failures[-1][1]
        if len(failures) == 1:
            return last
        return ToolFailure(last.reason, " ".join(str(failure) for _, failure in failures))


_REASONS = {
    "rate_limited": "it limits requests",
    "timeout": "it took too long",
    "unavailable": "it did not answer as it should",
    "unauthorized": "it refused its key",
    "insufficient_credits": "its credit is used up",
    "budget": "the spend cap has no money for it",
}


async def _paid(asked: Asked, query: SearchQuery, purse: Purse) -> Found:
    if asked.engine.usd is None:
        return await asked.backend.search(query)
    with purse(asked.engine.name, asked.engine.usd) as charge:
        try:
            found = await asked.backend.search(query)
        except SearchFailure as failure:
            charge.cost_usd, charge.error = failure.cost_usd, failure.reason
            raise
        charge.cost_usd = found.cost_usd
        return found
