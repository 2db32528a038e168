"""A run that a parent's checkpointer takes up in the middle, without a journal of ours.

LangGraph then runs the nodes again that had not ended; `prepare` is not among them. What the nodes
before have done is in the state. What those that run again had done is lost, and the result says
so: each of their seats has a call of unknown cost on the bill, and `degraded` has `calls_lost`.
"""

from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import FusionState
from langgraph_fusion.tools.sources import Source

_FINISHED = (
    "the run {} was finished by another process after this graph had been stopped; ask the same in "
    "a new thread with this `run_id` and `take_over=True` to have its result"
)


async def run_of(state: FusionState, config: RunnableConfig) -> Run:
    """The run this node belongs to, with what the state says of the time before it was taken up.

    Raises:
        ConfigError: If another process has finished it meanwhile: nothing is left to go on with.
    """
    run = Run.of(config)
    if run.prepared:
        return run
    if run.earlier is not None:
        raise ConfigError(_FINISHED.format(run.id), field="run_id")
    step = config.get("metadata", {}).get("langgraph_step")
    async with run.preparing:
        if run.first_step is None:
            run.first_step = step
            await _take_up(run, state)
    run.repeats = step == run.first_step and not run.replays
    return run


async def _take_up(run: Run, state: FusionState) -> None:
    """Count what was spent, and open again what members were shown and given."""
    run.limits.budget.spent_usd += sum(call["cost_usd"] or 0.0 for call in state["bill"])
    run.shared_tools.sources.restore(Source(**one) for one in state["sources"].values())
    await run.open_given(state["messages"], state["question"])
    if not run.replays:
        await run.begin(state["messages"])
