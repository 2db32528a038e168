"""Runs that are stopped at a given moment, to be resumed."""

from contextlib import aclosing
from typing import Any

from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.journal.repository import RunRepository
from tests.graph.cast import settings


async def stopped(runs: RunRepository, until: str, seat: str = "", **given: Any) -> str:
    """Deliberate until this event and leave: the id of the run."""
    run_id = ""
    events = deliberate("What is it?", given.pop("settings", settings()), runs=runs, **given)
    async with aclosing(events):
        async for event in events:
            run_id = str(event.get("run_id", run_id))
            if event["type"] == until and seat in ("", event.get("seat")):
                return run_id
    raise AssertionError(f"no {until}")
