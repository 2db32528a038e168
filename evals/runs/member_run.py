"""A member's run on a task: made once, stored, and shared by all arms."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph_fusion.evals.records import Answer, Task
from langgraph_fusion.evals.runs.answers import answer_in, failed_answer, trace_of
from langgraph_fusion.evals.runs.context import EvalContext
from langgraph_fusion.evals.runs.fingerprint import fingerprint
from langgraph_fusion.evals.runs.graph_run import GraphRun, Json, run_graph
from langgraph_fusion.evals.runs.task_settings import documents_key, settings_for
from langgraph_fusion.evals.store import key_of
from langgraph_fusion.graph.settings import FusionSettings


@dataclass(frozen=True)
class MemberRun:
    """What a member did on a task, as seat A, and its answer as an arm of its own."""

    update: Json
    answer: Answer


async def member_run(
    context: EvalContext,
    task: Task,
    settings: FusionSettings,
    sample: int = 0,
    prompts: Path | None = None,
) -> MemberRun:
    """The stored run, or a new one; `settings` are those of the member alone.

    A member that failed is not stored: the next evaluation asks it again.
    """
    settings = settings_for(context, task, settings)
    key = _key(task, settings, sample, prompts)

    async def work() -> MemberRun:
        stored = context.store.get("member", key)
        if stored is not None:
            return MemberRun(stored["update"], Answer.model_validate(stored["answer"]))
        return await _run(context, key, task, settings, prompts)

    found: MemberRun = await context.flights.get(key, work)
    return found


def _key(task: Task, settings: FusionSettings, sample: int, prompts: Path | None) -> str:
    """Of all that the member sees or is limited by."""
    (seat,) = settings.panel
    seen: dict[str, Any] = {
        "question": task.question,
        "seat": seat.model_dump(mode="json"),
        "tools": settings.tools_of(seat),
        "max_tool_calls": settings.max_calls_of(seat),
        "documents": documents_key(task) if task.documents else settings.docs,
        "search": ",".join(settings.search),
        "exclude": settings.exclude,
        "allow_networks": settings.allow_networks,
        "sandbox": settings.sandbox.model_dump(mode="json"),
        "deadline_s": settings.deadline_s,
    }
    return key_of("member", seen, fingerprint("member", prompts), sample)


async def _run(
    context: EvalContext, key: str, task: Task, settings: FusionSettings, prompts: Path | None
) -> MemberRun:
    def save(run: GraphRun) -> None:
        if run.lanes["A.0"]["answers"][0]["text"]:
            made = _made(context, run)
            entry = {"update": made.update, "answer": made.answer.model_dump(mode="json")}
            context.store.put("member", key, entry)

    run = await run_graph(context, key, task, settings, save, prompts=prompts)
    context.on_run("member")
    if "A.0" not in run.lanes:
        return MemberRun({}, failed_answer(run))
    return _made(context, run)


def _made(context: EvalContext, run: GraphRun) -> MemberRun:
    if run.failed is not None:
        return MemberRun(run.lanes["A.0"], failed_answer(run))
    trace = context.store.put_text("trace", trace_of(run).model_dump(mode="json"))
    return MemberRun(run.lanes["A.0"], answer_in(run, trace))
