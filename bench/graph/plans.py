"""Ways to live with late calls, and what a run of each would take if only its calls took time."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bench.graph.cast import JUDGE, MEMBERS, SPARE_JUDGE, SPARE_WRITER, WRITER
from bench.graph.latency import Latency
from langgraph_fusion.graph.calls.stages import share

DRAWN = 20_000
"""Runs on paper: enough for two digits of a 95th percentile."""


@dataclass(frozen=True)
class Plan:
    """How long a run waits for whom."""

    name: str
    quorum: int | None = None
    grace_s: float = 0.0
    hedge_s: float | None = None
    """After so many seconds judge and writer ask their fallback as well."""
    deadline_s: float = 900.0

    def settings(self) -> dict[str, Any]:
        """The settings of a deliberation that keeps to it."""
        given: dict[str, Any] = {"deadline_s": self.deadline_s}
        if self.quorum is not None:
            given |= {"quorum": self.quorum, "grace_s": self.grace_s}
        if self.hedge_s is not None:
            given["judge"] = self._hedged(JUDGE, SPARE_JUDGE)
            given["synthesizer"] = self._hedged(WRITER, SPARE_WRITER)
        return given

    def on_paper(self, latency: Latency) -> Iterator[tuple[float, int]]:
        """Draw runs: seconds, and members that are heard."""
        return islice(self._runs(latency), DRAWN)

    def _runs(self, latency: Latency) -> Iterator[tuple[float, int]]:
        while True:
            members = sorted(map(latency, MEMBERS))
            end = min(members[-1], self.deadline_s * share("panel", 0))
            if self.quorum is not None:
                end = min(end, members[self.quorum - 1] + self.grace_s)
            judged = self._call(latency, JUDGE, SPARE_JUDGE)
            written = self._call(latency, WRITER, SPARE_WRITER)
            yield end + judged + written, sum(one <= end for one in members)

    def _call(self, latency: Latency, model: str, spare: str) -> float:
        first = latency(model)
        if self.hedge_s is None or first <= self.hedge_s:
            return first
        return min(first, self.hedge_s + latency(spare))

    def _hedged(self, model: str, spare: str) -> dict[str, Any]:
        return {"model": model, "fallbacks": [spare], "hedge_s": self.hedge_s}
