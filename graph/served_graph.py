"""The graph as LangGraph servers run it: why a run failed is said in its stream.

A server may hide the text of every exception from its clients (Aegra's streams say `RunFailed:
execution failed`). What a run says in its `custom` stream reaches them: a last event `run.failed`.

A process that finds its run taken over must not say that the run has failed: the server would take
that for the end of it, while another instance is at work on it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Self, cast

from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.errors import ConfigError, FusionError, RunFailed, RunTakenOver
from langgraph_fusion.graph.fusion_graph import FusionGraph

_CUSTOM = "custom"
_LEASE_S = 90.0
"""Longer than a server's own heartbeat takes to find out that a run is no longer its own."""


class ServedGraph(FusionGraph):
    """A deliberation whose `custom` stream ends with `run.failed` when the run does."""

    def __init__(self, *, refusal: ConfigError | None = None, **given: Any) -> None:
        super().__init__(**given)
        self.refusal = refusal

    @classmethod
    def of_graph(cls, graph: FusionGraph, refusal: ConfigError | None = None) -> Self:
        """The same graph; with a `refusal` every run of it ends with that at once."""
        return cls(**vars(graph), refusal=refusal)

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, *, context: Any = None, **given: Any
    ) -> AsyncIterator[Any]:
        try:
            if self.refusal is not None:
                raise self.refusal
            parts = super().astream(input, config, context=context, **given)
            async with aclosing(cast("AsyncGenerator[Any]", parts)):
                async for part in parts:
                    yield part
        except RunTakenOver:
            await asyncio.sleep(_LEASE_S)  # the server finds out as well, and cancels this
            raise
        except FusionError as error:
            for part in _told(error, **given):
                yield part
            raise


def failure_event(error: FusionError) -> dict[str, Any]:
    """The event `run.failed` of `graph.events`."""
    reason = error.reason if isinstance(error, RunFailed) else getattr(error, "code", "")
    return {
        "type": "run.failed",
        "error": type(error).__name__,
        "reason": reason,
        "message": str(error),
    }


def _told(
    error: FusionError,
    *,
    stream_mode: Any = None,
    subgraphs: bool = False,
    version: str = "v1",
    **_: Mapping[str, Any],
) -> list[Any]:
    """The event in the form in which this stream gives its parts; nothing where nobody reads it."""
    several = isinstance(stream_mode, list)
    if _CUSTOM not in (stream_mode if several else [stream_mode]):
        return []
    event = failure_event(error)
    if version == "v2":
        return [{"type": _CUSTOM, "ns": (), "data": event}]
    part = ([()] if subgraphs else []) + ([_CUSTOM] if several else [])
    return [(*part, event) if part else event]
