"""Observers of runs: metrics, the log, traces. None of them changes a run."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

from langgraph_fusion.graph.errors import ConfigError, RunFailed
from langgraph_fusion.graph.records import Stage
from langgraph_fusion.server.request_context import RequestContext
from langgraph_fusion.server.runs.run_request import RunRequest

Event = dict[str, Any]


class Observation(Protocol):
    """Follows one run. It gets all events but the pieces of text."""

    def event(self, event: Event) -> None: ...

    def ended(self, error: BaseException | None) -> None:
        """Called once, after the last event; with `CancelledError` when the client went."""


class RunObserver(Protocol):
    """Makes an observation of every admitted request."""

    def observe(self, context: RequestContext, request: RunRequest) -> Observation: ...


def outcome(error: BaseException | None) -> str:
    """How a run ended, in one word: `ok`, `abandoned`, `invalid`, or the reason of its failure."""
    if error is None:
        return "ok"
    if isinstance(error, RunFailed):
        return error.reason
    if isinstance(error, ConfigError):
        return "invalid"
    return "abandoned" if isinstance(error, asyncio.CancelledError) else "unexpected_error"


STAGE_STARTS: dict[str, Stage | None] = {
    "run.started": "panel",
    "judge.started": "judge",
    "follow_ups": "follow_up",
    "sources": "synthesizer",
    "verify.started": "verify",
    "run.finished": None,
}
"""The events with which a stage starts, and the one that ends the last."""


class StageTimes:
    """Follows one run and reports every stage that ends: `ended(stage, began, end)`, in seconds."""

    def __init__(self, ended: Callable[[Stage, float, float], None]) -> None:
        self._ended = ended
        self._stage: Stage | None = None
        self._began = 0.0

    def event(self, event: dict[str, Any]) -> None:
        if event["type"] in STAGE_STARTS:
            self.turn_to(STAGE_STARTS[event["type"]])

    def turn_to(self, stage: Stage | None) -> None:
        """Leave the stage for another one, or for none; in the same one nothing happens."""
        now = time.time()
        if stage == self._stage:
            return
        if self._stage is not None:
            self._ended(self._stage, self._began, now)
        self._stage, self._began = stage, now
