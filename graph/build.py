"""The deliberation as one LangGraph graph: the whole wiring on one screen.

START -> prepare ──> member_A ─┐
            ├──────> member_B ─┼─> judge ───────> synthesizer -> (verify) -> check -> END
            ├──────> member_C ─┘     └─(follow-ups, or an adaptive panel grows)─> members -> judge
            └─(direct)─> synthesizer
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore

from langgraph_fusion.graph.calls.budget import Budget
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.fusion_graph import FusionGraph, Hooks
from langgraph_fusion.graph.images.describe import describe_images
from langgraph_fusion.graph.journal.entries import Json, RecordedUpdate
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.run_store_config import RunStoreConfig, TakeOver
from langgraph_fusion.graph.later_nodes import check, judge, synthesizer, verify
from langgraph_fusion.graph.members.member import member
from langgraph_fusion.graph.members.member_agent import member_agent
from langgraph_fusion.graph.preflight.prepare import prepare
from langgraph_fusion.graph.request.attachments import Attachments
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.settings import FusionSettings, load_settings
from langgraph_fusion.graph.state import FusionInput, FusionOutput, FusionState
from langgraph_fusion.tools import member_tools
from langgraph_fusion.tools.content_filter import ContentFilter

Compiled = CompiledStateGraph[Any, Any, Any, Any]


def create_fusion(
    settings: FusionSettings | None = None,
    *,
    tools: Sequence[BaseTool] = (),
    files: Sequence[str | Path] = (),
    out: str | Path | None = None,
    checkpointer: Any = None,
    runs: RunRepository | BaseStore | str | Path | None = None,
    run_id: str | None = None,
    take_over: TakeOver = False,
    client: str | None = None,
    content_filter: ContentFilter | None = None,
    budget: Budget | None = None,
    steering: Steering | None = None,
    keep: bool | None = None,
    given: Mapping[str, Json] | None = None,
    stored: Mapping[str, bytes] | None = None,
) -> FusionGraph:
    """Build the graph for a panel: messages in, one `AIMessage` and `fusion` (the result) out.

    `tools` are further LangChain tools for every member; `files` are searched and cited by the
    members and copied read-only into their sandboxes, as files in the messages are (content blocks
    of type `file`); what members leave in /work/out comes to the folder `out`.

    `runs` is where runs are kept, so that nothing paid is lost when the process dies: a
    `RunRepository` that is open, a store of LangGraph, a file or a `postgresql://` URL. `run_id`
    names a run in it to be resumed, or one that waits for the client's tools to be continued: every
    run of this graph is then that one. With `take_over` it need not be there yet: under a new id a
    run begins, one whose process has died is gone on with, and one that has finished returns its
    result, until `RunRepository.forget_texts` says that it is stored elsewhere; with `"always"` it
    is taken from a process that lives as well, which can then write nothing more. `client` says
    whose a new run is, and `keep` whether its texts stay in the store when it has finished (None:
    as `runs` says). See docs/runs.md.

    `content_filter` keeps texts from the members that it recognises, wherever they are hosted: see
    `tools.content_filter`.

    `budget` is a spend cap that several runs share; `budget_usd` is then not looked at.
    `steering` is what a user asks of a run while it works: one object for one run at a time.
    `given` is what nodes returned in another run of the same question, by lane (`A.0` member A's
    first answer, `judge.0`): they are not run again. `stored` is what `files` held when a run that
    is resumed began, by path.

    A caller's context (`FusionSettings`, or a mapping of them) may change everything for a run but
    the number of seats, the further tools and the files.

    Raises:
        ConfigError: If no settings are given and the default preset cannot be read.
    """
    settings = settings or load_settings()
    if tools or checkpointer is not None:
        compiled = _compiled(settings.letters, tools, checkpointer)
    else:
        compiled = _usual(settings.letters)
    known = {lane: RecordedUpdate(update=update) for lane, update in (given or {}).items()}
    run_store = RunStoreConfig(runs, run_id, take_over, client, keep, known)
    attachments = Attachments.of(files, out, stored or {})
    hooks = Hooks(content_filter, budget, steering)
    return FusionGraph.of(compiled, settings, tools, attachments, run_store, hooks)


@cache
def _usual(letters: str) -> Compiled:
    """Compile once for each size of panel: nothing of a run is in it, and it takes 20 ms of CPU."""
    return _compiled(letters, (), None)


def _compiled(letters: str, tools: Sequence[BaseTool], checkpointer: Any) -> Compiled:
    graph = StateGraph(
        FusionState,
        context_schema=FusionSettings,
        input_schema=FusionInput,
        output_schema=FusionOutput,
    )
    graph.add_node("prepare", prepare)
    graph.add_node("describe_images", describe_images)
    graph.add_node("judge", judge)
    graph.add_node("synthesizer", synthesizer)
    graph.add_node("verify", verify)
    graph.add_node("check", check)

    graph.add_edge(START, "prepare")
    for letter in letters:
        name = member_name(letter)
        graph.add_node(name, member(letter, member_agent(letter, [*member_tools(), *tools])))
        graph.add_edge(name, "judge")  # one edge each: a list would wait for members not asked
    graph.add_edge("describe_images", "judge")
    next_nodes = [*(member_name(letter) for letter in letters), "synthesizer"]
    first = [*next_nodes, "describe_images", END]
    graph.add_conditional_edges("prepare", after_prepare, first)
    graph.add_conditional_edges("judge", after_judge, next_nodes)
    graph.add_conditional_edges("synthesizer", after_synthesizer, ["verify", "check"])
    graph.add_edge("verify", "check")
    graph.add_edge("check", END)
    return graph.compile(name="fusion", checkpointer=checkpointer)


def after_prepare(state: FusionState) -> list[str]:
    """To the members that answer first; without a panel to the synthesizer.

    Beside them to the description of images, if one of the seats needs it. A run that had finished
    before it was taken over has its result already.
    """
    if state["fusion"]:
        return [END]
    if not state["seating"]:
        return ["synthesizer"]
    describing = ["describe_images"] if state["describing"] else []
    return [*(member_name(letter) for letter in state["seating"]), *describing]


def after_judge(state: FusionState) -> list[str]:
    """To the members with a follow-up to answer or newly seated, else on to the synthesizer."""
    asked = {seat for one in state["asked"] for seat in one["seats"]}
    wanted = sorted(asked) or state["seating"]
    return [member_name(letter) for letter in wanted] or ["synthesizer"]


def after_synthesizer(state: FusionState, config: RunnableConfig) -> str:
    """To the check of what the sources say, if it is asked for and there is a final text."""
    wanted = Run.of(config).settings.verifies and state["draft"] and not state["tool_calls"]
    return "verify" if wanted else "check"


def member_name(letter: str) -> str:
    """Name of a seat's node."""
    return f"member_{letter}"
