"""The graph as a node of somebody else's graph, over real HTTP."""

import asyncio
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import pytest
from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from langgraph.types import Command, Send, interrupt
from typing_extensions import TypedDict

from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.errors import RunFailed
from tests.graph.cast import PANEL, WRITER, A, C, cast, settings
from tests.graph.conftest import Serve
from tests.scripted import Reply, Seen, hang, status, text

ASKED = {"messages": [HumanMessage("What is it?")]}
THREAD = {"configurable": {"thread_id": "1"}}


@dataclass
class HostContext:
    user: str


class HostState(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]
    user: str


class Questions(TypedDict):
    questions: list[str]
    answers: Annotated[list[str], operator.add]


async def who(state: HostState, runtime: Runtime[HostContext]) -> dict[str, str]:
    return {"user": runtime.context.user}


async def approve(state: HostState) -> dict[str, Any]:
    verdict = interrupt({"draft": state["messages"][-1].text})
    return {"messages": [HumanMessage(f"Reviewed: {verdict}")]}


def in_a_row(*nodes: tuple[str, Any]) -> Any:
    host = StateGraph(HostState, context_schema=HostContext)
    names = [START, *(name for name, _ in nodes), END]
    for name, node in nodes:
        host.add_node(name, node)
    for before, after in pairwise(names):
        host.add_edge(before, after)
    return host.compile(checkpointer=InMemorySaver())


def path(space: Sequence[str]) -> str:
    return "/".join(part.split(":")[0] for part in space)


async def test_a_parent_with_another_context_keeps_its_own(serve: Serve) -> None:
    await serve(cast(answer="It is 42."))
    app = in_a_row(("who", who), ("fusion", create_fusion(settings())))
    out = await app.ainvoke(ASKED, THREAD, context=HostContext("ada"))
    assert out["user"] == "ada"
    assert [one.text for one in out["messages"]] == ["What is it?", "It is 42."]
    assert out["messages"][-1].response_metadata["fusion"]["answer"] == "It is 42."


async def test_the_parent_streams_every_mode_with_the_namespace_of_the_node(serve: Serve) -> None:
    await serve(cast(answer="It is 42."))
    app = in_a_row(("fusion", create_fusion(settings(tools=["web_fetch"]))))
    modes = ["custom", "updates", "messages", "values"]
    told: dict[str, set[str]] = {mode: set() for mode in modes}
    tokens = ""
    async for space, mode, part in app.astream(ASKED, THREAD, stream_mode=modes, subgraphs=True):
        told[mode].add(path(space))
        if mode == "messages" and part[1].get("langgraph_node") == "synthesizer":
            tokens += part[0].text
    assert {"fusion", "fusion/member_A", "fusion/member_C"} <= told["custom"]
    assert {"", "fusion", "fusion/member_A"} <= told["updates"] & told["values"]
    assert "It is 42." in tokens


async def test_two_turns_on_a_thread_are_two_deliberations_and_one_conversation(
    serve: Serve,
) -> None:
    server = await serve(cast(answer="It is 42."))
    app = in_a_row(("fusion", create_fusion(settings())))
    await app.ainvoke(ASKED, THREAD)
    out = await app.ainvoke({"messages": [HumanMessage("Are you sure?")]}, THREAD)
    assert [one.type for one in out["messages"]] == ["human", "ai", "human", "ai"]
    second = server.seen_by(A)[-1]
    assert [turn["role"] for turn in second.messages if turn["role"] != "system"] == [
        "user", "assistant", "user",
    ]  # fmt: skip
    assert len(out["messages"][-1].response_metadata["fusion"]["answers"]) == 3


async def test_a_parent_that_stops_for_a_human_goes_on_without_asking_the_panel_again(
    serve: Serve,
) -> None:
    server = await serve(cast(answer="It is 42."))
    app = in_a_row(("fusion", create_fusion(settings())), ("approve", approve))
    stopped = await app.ainvoke(ASKED, THREAD)
    assert stopped["__interrupt__"][0].value == {"draft": "It is 42."}
    asked = len(server.requests)
    out = await app.ainvoke(Command(resume="fine"), THREAD)
    assert out["messages"][-1].text == "Reviewed: fine"
    assert len(server.requests) == asked


async def test_a_stopped_run_shows_its_state_and_resumes_where_it_was(serve: Serve) -> None:
    first = asyncio.Event()

    async def last_member(seen: Seen) -> Reply:
        if first.is_set():
            return text("Gamma says 42.")
        first.set()
        return hang()

    server = await serve(cast({C: last_member}, answer="It is 42."))
    app = in_a_row(("fusion", create_fusion(settings())))
    run = asyncio.ensure_future(app.ainvoke(ASKED, THREAD))
    while not (first.is_set() and server.in_flight == 1):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)  # the answers of A and B are written down
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    [task] = (await app.aget_state(THREAD, subgraphs=True)).tasks
    assert task.name == "fusion"
    assert task.state.values["question"] == "What is it?"
    assert {one.name for one in task.state.tasks} == {"member_A", "member_B", "member_C"}

    out = await app.ainvoke(None, THREAD)
    assert out["messages"][-1].text == "It is 42."
    asked = [seen.model for seen in server.requests]
    assert (asked.count(A), asked.count(C)) == (1, 2), "what was answered is not asked again"
    assert len(out["messages"][-1].response_metadata["fusion"]["answers"]) == 3


async def test_two_fusions_in_one_parent_work_one_after_the_other(serve: Serve) -> None:
    def writer(seen: Seen) -> Reply:
        return text("It is 42, checked." if "Now check it." in seen.text else "It is 42.")

    async def doubt(state: HostState) -> dict[str, Any]:
        return {"messages": [HumanMessage("Now check it.")]}

    await serve(cast({WRITER: writer}))
    app = in_a_row(
        ("draft", create_fusion(settings())),
        ("doubt", doubt),
        ("final", create_fusion(settings(panel=["m/a", "m/b"]))),
    )
    out = await app.ainvoke(ASKED, THREAD)
    answers = [one for one in out["messages"] if one.type == "ai"]
    assert [one.text for one in answers] == ["It is 42.", "It is 42, checked."]
    panels = [one.response_metadata["fusion"]["panel"] for one in answers]
    assert [len(panel) for panel in panels] == [3, 2]


async def test_one_node_is_sent_many_questions_side_by_side(serve: Serve) -> None:
    fusion = create_fusion(settings())

    async def deliberate(state: HostState) -> dict[str, list[str]]:
        out = await fusion.ainvoke({"messages": state["messages"]})
        return {"answers": [out["fusion"]["answers"][0]["text"]]}

    def each(state: Questions) -> list[Send]:
        asked = [{"messages": [HumanMessage(question)]} for question in state["questions"]]
        return [Send("deliberate", one) for one in asked]

    await serve(cast({A: _echo}))
    host = StateGraph(Questions)
    host.add_node("deliberate", deliberate)
    host.add_conditional_edges(START, each, ["deliberate"])
    app: Any = host.compile(checkpointer=InMemorySaver())
    out = await app.ainvoke({"questions": ["one?", "two?", "three?"], "answers": []}, THREAD)
    assert out["answers"] == ["echo one?", "echo two?", "echo three?"]


async def test_the_graph_itself_is_sent_many_conversations(serve: Serve) -> None:
    await serve(cast({A: _echo}, answer="It is 42."))
    host = StateGraph(HostState)
    host.add_node("fusion", create_fusion(settings()))

    def each(state: HostState) -> list[Send]:
        return [Send("fusion", {"messages": [HumanMessage(q)]}) for q in ("one?", "two?")]

    host.add_conditional_edges(START, each, ["fusion"])
    app: Any = host.compile(checkpointer=InMemorySaver())
    out = await app.ainvoke(ASKED, THREAD)
    results = [one.response_metadata["fusion"] for one in out["messages"] if one.type == "ai"]
    assert sorted(one["question"] for one in results) == ["one?", "two?"]


async def test_a_run_that_fails_under_a_parent_says_why(serve: Serve) -> None:

    await serve(cast({model: status(402) for model in PANEL}))
    app = in_a_row(("fusion", create_fusion(settings())))
    with pytest.raises(RunFailed, match="no member answered") as failed:
        await app.ainvoke(ASKED, THREAD)
    assert failed.value.reason == "insufficient_credits"


def test_the_picture_of_the_parent_shows_the_panel() -> None:
    app = in_a_row(("fusion", create_fusion(settings())))
    drawn = app.get_graph(xray=True).draw_mermaid()
    for name in ("fusion", "member_A", "member_C", "judge", "synthesizer"):
        assert name in drawn


def _echo(seen: Seen) -> Reply:
    return text(f"echo {seen.last}")
