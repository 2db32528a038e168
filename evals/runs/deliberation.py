"""What is made of the members' stored work: the judge's with its follow-ups, then the writer's.

Both are kept under the hash of all that went into them. So arms that differ in the writer alone
share the judge's work, and the same arm in another evaluation costs nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langgraph_fusion.evals.records import Answer, Task
from langgraph_fusion.evals.runs.answers import answer_in, trace_of
from langgraph_fusion.evals.runs.context import EvalContext
from langgraph_fusion.evals.runs.fingerprint import fingerprint
from langgraph_fusion.evals.runs.graph_run import GraphRun, Json, Lanes, run_graph
from langgraph_fusion.evals.runs.task_settings import settings_for
from langgraph_fusion.evals.store import key_of
from langgraph_fusion.graph.settings import FusionSettings

_WRITERS_OWN = (
    "synthesizer", "mode", "length", "response_format", "client_tools", "tool_choice", "revision",
    "verify",
)  # fmt: skip
"""Settings that only the writer's stage depends on."""
_NAMES = ("preset", "budget_usd", "docs")
"""Settings that say nothing about the work: the documents are part of the members' work."""


async def judged(
    context: EvalContext,
    task: Task,
    settings: FusionSettings,
    members: Lanes,
    prompts: Path | None = None,
) -> Lanes:
    """What all nodes before the writer returned, the members among them.

    Without an analysis (the judge failed) it is not stored: the next evaluation asks again.
    """
    settings = settings_for(context, task, settings)
    if settings.judge is None:
        return members
    key = _judged_key(task, settings, members, prompts)

    async def work() -> Lanes:
        stored: Lanes | None = context.store.get("deliberation", key)
        return stored or await _judge(context, key, task, settings, members, prompts)

    found: Lanes = await context.flights.get(key, work)
    return found


async def written(
    context: EvalContext,
    task: Task,
    settings: FusionSettings,
    lanes: Lanes,
    prompts: Path | None = None,
) -> Answer:
    """The answer that the writer makes of it."""
    settings = settings_for(context, task, settings)
    own = _settings(settings, drop=_NAMES)
    key = key_of("answer", task.question, own, _work(lanes), fingerprint("writer", prompts))

    async def work() -> Answer:
        stored = context.store.get("answer", key)
        if stored is not None:
            return Answer.model_validate(stored)
        return await _write(context, key, task, settings, lanes, prompts)

    found: Answer = await context.flights.get(key, work)
    return found


async def _judge(
    context: EvalContext,
    key: str,
    task: Task,
    settings: FusionSettings,
    members: Lanes,
    prompts: Path | None,
) -> Lanes:
    """Run the graph up to where the writer would begin."""
    alone = settings.changed(mode="analysis", response_format=None, client_tools=(), verify="off")

    def save(run: GraphRun) -> None:
        if run.state["analysis"]:
            context.store.put("deliberation", key, run.lanes)
            context.store.put("trace", _judge_prompt_key(run.lanes), run.prompts.get("judge"))

    run = await run_graph(context, key, task, alone, save, given=members, prompts=prompts)
    context.on_run("deliberation")
    return run.lanes or members


async def _write(
    context: EvalContext,
    key: str,
    task: Task,
    settings: FusionSettings,
    lanes: Lanes,
    prompts: Path | None,
) -> Answer:
    def made(run: GraphRun) -> Answer:
        if run.failed is not None:
            return answer_in(run, None)
        sent = context.store.get("trace", _judge_prompt_key(lanes))
        trace = trace_of(run).model_copy(update={"judge_prompt": sent})
        return answer_in(run, context.store.put_text("trace", trace.model_dump(mode="json")))

    def save(run: GraphRun) -> None:
        if not _stood_in(run):
            context.store.put("answer", key, made(run).model_dump(mode="json"))

    run = await run_graph(context, key, task, settings, save, given=lanes, prompts=prompts)
    context.on_run("answer")
    return made(run)


def _judge_prompt_key(lanes: Lanes) -> str:
    """Where the judge's first request is kept, which made these lanes."""
    return key_of("judge prompt", _work(lanes))


def _stood_in(run: GraphRun) -> bool:
    """Whether something had to stand in for judge or writer: worth another try next time."""
    result = run.result
    by_member = str(result["written_by"]).startswith("seat ") and result["mode"] == "synthesize"
    return by_member or not result["answer"].strip()


def _judged_key(task: Task, settings: FusionSettings, members: Lanes, prompts: Path | None) -> str:
    own = _settings(settings, drop=(*_WRITERS_OWN, *_NAMES))
    stage = fingerprint("judge", prompts)
    return key_of("deliberation", task.question, own, _work(members), stage)


def _settings(settings: FusionSettings, drop: tuple[str, ...]) -> Json:
    dumped = settings.model_dump(mode="json")
    return {name: value for name, value in dumped.items() if name not in drop}


def _work(lanes: Mapping[str, Json]) -> dict[str, Any]:
    """The part of nodes' updates that the nodes after them see."""
    unseen = ("bill", "degraded", "notes", "dropped")
    return {
        lane: {name: value for name, value in update.items() if name not in unseen}
        for lane, update in lanes.items()
    }
