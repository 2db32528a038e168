"""Which stage a run is in, from its events, and how long each took."""

import time
from collections.abc import Callable
from typing import Any

from langgraph_fusion.graph.records import Stage

STARTS: dict[str, Stage | None] = {
    "run.started": "panel",
    "judge.started": "judge",
    "follow_ups": "follow_up",
    "sources": "synthesizer",
    "run.finished": None,
}
"""The events with which a stage starts, and the one that ends the last."""


class Stages:
    """Follows one run and reports every stage that ends: `ended(stage, began, end)`, in seconds."""

    def __init__(self, ended: Callable[[Stage, float, float], None]) -> None:
        self._ended = ended
        self._stage: Stage | None = None
        self._began = 0.0

    def event(self, event: dict[str, Any]) -> None:
        if event["type"] in STARTS:
            self.turn_to(STARTS[event["type"]])

    def turn_to(self, stage: Stage | None) -> None:
        """Leave the stage for another one, or for none; in the same one nothing happens."""
        now = time.time()
        if stage == self._stage:
            return
        if self._stage is not None:
            self._ended(self._stage, self._began, now)
        self._stage, self._began = stage, now
