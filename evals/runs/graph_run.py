"""One run of the graph within an evaluation: resumable, and read node by node."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import BaseMessage

from langgraph_fusion.evals.records import Task
from langgraph_fusion.evals.runs.context import EvalContext
from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.errors import ConfigError, RunFailed
from langgraph_fusion.graph.prompts import prompts_from
from langgraph_fusion.graph.settings import FusionSettings

Json = dict[str, Any]
Lanes = dict[str, Json]
"""What nodes returned: `A.0` member A's first answer, `judge.0` the first analysis."""


@dataclass
class GraphRun:
    """What came of a run."""

    lanes: Lanes = field(default_factory=dict)
    state: Json = field(default_factory=dict)
    """The last state of the graph."""
    prompts: dict[str, str] = field(default_factory=dict)
    """By node: the last request to its model, if it was made in this process."""
    failed: str | None = None
    """Why there is no result."""

    @property
    def result(self) -> Json:
        """The `FusionResult` as JSON; empty if the run failed."""
        found: Json = self.state.get("fusion") or {}
        return found


async def run_graph(
    context: EvalContext,
    key: str,
    task: Task,
    settings: FusionSettings,
    save: Callable[[GraphRun], None],
    *,
    given: Mapping[str, Json] | None = None,
    prompts: Path | None = None,
) -> GraphRun:
    """Run the graph on a task, or go on with the run that an earlier process began.

    The run is found again by `key`, the hash of all that goes into it. `save` is called with what
    came of it while the run could still be resumed, so that nothing paid falls between two stores.

    Raises:
        ConfigError: Before anything starts.
    """
    async with context.at_once:
        me = asyncio.current_task()
        assert me is not None
        context.at_work.add(me)
        try:
            return await _run(context, key, task, settings, save, given or {}, prompts)
        finally:
            context.at_work.discard(me)


async def _run(
    context: EvalContext,
    key: str,
    task: Task,
    settings: FusionSettings,
    save: Callable[[GraphRun], None],
    given: Mapping[str, Json],
    prompts: Path | None,
) -> GraphRun:
    heard = _Heard()
    found = GraphRun(prompts=heard.prompts)
    with ExitStack() as stack:
        if prompts is not None:
            stack.enter_context(prompts_from(prompts))
        graph = create_fusion(
            settings,
            runs=context.runs,
            **await _identity(context, key),
            given=given,
            content_filter=context.filter_of(task),
            budget=context.budget,
        )
        asked = {"messages": [{"role": "user", "content": task.question}]}
        parts = graph.astream(asked, {"callbacks": [heard]}, stream_mode=["updates", "values"])
        try:
            async with aclosing(cast("Any", parts)):
                async for kind, part in parts:
                    _take(found, kind, part)
                    if kind == "values" and found.result:
                        save(found)
        except RunFailed as error:
            found.failed = f"{error.reason}: {error}"
    for call in _new_calls(found, given):
        context.spent.append(call["cost_usd"])
        context.on_paid(call["cost_usd"])
    return found


async def _identity(context: EvalContext, key: str) -> Json:
    """Resume the run of this key if there is one, else begin it under an id made of the key."""
    for attempt in range(100):
        run_id = key[:12] if not attempt else f"{key[:12]}{attempt:02d}"
        record = await context.runs.find(run_id)
        if record is None or record.resumable:
            return {"run_id": run_id, "take_over": True}
        if record.now == "running":
            raise ConfigError(
                f"another process works on run {run_id} of this evaluation; wait for it"
            )
    raise ConfigError(f"run {key[:12]} ended a hundred times without an answer that was stored")


def _take(found: GraphRun, kind: str, part: Any) -> None:
    if kind == "values":
        found.state = part
        return
    for node, update in part.items():
        if node.startswith("member_"):
            found.lanes[f"{node[-1]}.{update['answers'][0]['round']}"] = update
        elif node == "judge" and "bill" in update:
            found.lanes[_judge_lane(found)] = update


def _judge_lane(found: GraphRun) -> str:
    """The lane of the judging that has just ended: a grown panel is judged twice in a round."""
    round = found.state.get("round", 0)
    made = Counter(lane.split(".")[1] for lane in found.lanes if lane.startswith("judge."))
    number = made[str(round)]
    return f"judge.{round}.{number + 1}" if number else f"judge.{round}"


def _new_calls(found: GraphRun, given: Mapping[str, Json]) -> list[Json]:
    """The calls of this run that no other run has paid for."""
    old = Counter(_call_key(call) for update in given.values() for call in update.get("bill", []))
    new = []
    for call in found.state.get("bill", []):
        if old[_call_key(call)]:
            old[_call_key(call)] -= 1
        else:
            new.append(call)
    return new


def _call_key(call: Json) -> str:
    return repr(sorted((name, value) for name, value in call.items() if name != "carried"))


class _Heard(AsyncCallbackHandler):
    """Keeps what judge and writer were sent, by node."""

    run_inline = True

    def __init__(self) -> None:
        self.prompts: dict[str, str] = {}

    async def on_chat_model_start(
        self, serialized: Any, messages: list[list[BaseMessage]], **facts: Any
    ) -> None:
        node = (facts.get("metadata") or {}).get("langgraph_node")
        if node in ("judge", "synthesizer"):
            self.prompts[node] = "\n\n".join(one.text for one in messages[0])
