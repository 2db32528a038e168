"""What all runs of one evaluation share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langgraph_fusion.evals.budget import EvalBudget
from langgraph_fusion.evals.records import Task
from langgraph_fusion.evals.store import EvalStore
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.tools.content_filter import ContentFilter
from langgraph_fusion.tools.single_flight import SingleFlight


def _no_filter(task: Task) -> ContentFilter | None:
    return None


@dataclass
class EvalContext:
    """Open resources of an evaluation. For one event loop."""

    store: EvalStore
    runs: RunRepository
    """Where journals are kept until a run has ended."""
    budget: EvalBudget
    folder: Path
    """For documents of tasks."""
    at_once: asyncio.Semaphore
    """Runs of the graph that are at work side by side."""
    exclude: tuple[str, ...] = ()
    """Of the data set; each task has more."""
    filter_of: Callable[[Task], ContentFilter | None] = _no_filter
    """What keeps a task's rubric from its members."""
    on_run: Callable[[str], None] = lambda what: None
    """Called when a run has ended: `member` or `deliberation` or `answer`."""
    on_paid: Callable[[float | None], None] = lambda usd: None
    """Called with the cost of every model call."""
    spent: list[float | None] = field(default_factory=list)
    """Of the calls that were made now, in US dollars."""
    at_work: set["asyncio.Task[Any]"] = field(default_factory=set)
    """Runs that are under way, or are being stopped: a stop is written down as well."""
    flights: SingleFlight[Any] = field(default_factory=SingleFlight)

    async def close(self) -> None:
        """Stop what is under way, and wait until its journals say so."""
        await self.flights.close()
        while self.at_work:
            await asyncio.wait(set(self.at_work))
