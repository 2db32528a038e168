"""What a node of the graph returned in an earlier process: given back, counted and told again."""

from langgraph_fusion.graph.calls.seat_client import SeatClient
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.journal.entries import UPDATE, RecordedUpdate
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import Json


def replayed(run: Run, lane: str) -> Json | None:
    """The update that is written down for this lane, if any, with the run as it was after it."""
    recorded = run.journal.recorded(f"{lane}{UPDATE}", RecordedUpdate)
    if recorded is None:
        return None
    run.limits.budget.spent_usd += recorded.counted_usd
    run.degraded[:] = dict.fromkeys([*run.degraded, *recorded.update["degraded"]])
    run.notes[:] = dict.fromkeys([*run.notes, *recorded.update["notes"]])
    carried = run.turn > 0 or run.journal.finished
    bill = [call | {"carried": carried} for call in recorded.update["bill"]]
    return {**recorded.update, "bill": bill}


def tell_calls(update: Json) -> None:
    """Tell the calls on its bill once more."""
    for call in update["bill"]:
        tell("model.call", **call, replayed=True)


def noted(run: Run, lane: str, update: Json, caller: SeatClient) -> Json:
    """Have a node's update written down, and return it."""
    run.journal.note(
        f"{lane}{UPDATE}", lambda: RecordedUpdate(update=update, counted_usd=caller.counted_usd)
    )
    return update
