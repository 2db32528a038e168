"""The result of a finished run, as far as it is kept."""

from typing import Any

from langgraph_fusion.graph.journal.entries import RecordedUpdate
from langgraph_fusion.graph.journal.lifecycle import RESULT
from langgraph_fusion.graph.journal.repository import RunRepository


async def stored_result(runs: RunRepository, run_id: str) -> dict[str, Any] | None:
    """Return it as JSON; None if there is no such run or its texts were not kept."""
    record = await runs.find(run_id)
    if record is None:
        return None
    kept = (await runs.journal(record)).read(RESULT, RecordedUpdate)
    return kept.update if kept else None
