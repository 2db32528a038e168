"""Who looks on while runs are managed_run: metrics, the log, traces. None of them changes a run."""

import asyncio
from typing import Any, Protocol

from langgraph_fusion.graph.errors import ConfigError, RunFailed
from langgraph_fusion.server.openai.parse_request import RunRequest
from langgraph_fusion.server.request_context import RequestContext

Event = dict[str, Any]


class Watch(Protocol):
    """Follows one run. It is told all events but the pieces of text."""

    def event(self, event: Event) -> None: ...

    def ended(self, error: BaseException | None) -> None:
        """Told once, after the last event; `CancelledError` when the client went."""


class Watcher(Protocol):
    """Makes a watch for every admitted request."""

    def watch(self, visit: RequestContext, wanted: RunRequest) -> Watch: ...


def outcome(error: BaseException | None) -> str:
    """How a run ended, in one word: `ok`, `abandoned`, `invalid`, or the reason of its failure."""
    if error is None:
        return "ok"
    if isinstance(error, RunFailed):
        return error.reason
    if isinstance(error, ConfigError):
        return "invalid"
    return "abandoned" if isinstance(error, asyncio.CancelledError) else "unexpected_error"
