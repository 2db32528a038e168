import asyncio

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool

from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.errors import ConfigError
from tests.graph.cast import A, cast, settings
from tests.graph.conftest import Fuse, Serve
from tests.scripted import Reply, Seen, hang, text, tool_calls

ASKED = {"messages": [HumanMessage("What is it?")]}


async def test_the_whole_result_is_in_the_output_and_in_the_message(serve: Serve) -> None:
    await serve(cast(answer="It is 42."))
    out = await create_fusion(settings()).ainvoke(ASKED)
    assert set(out) == {"messages", "fusion"}
    message = out["messages"][-1]
    assert message.text == "It is 42."
    assert message.response_metadata["fusion"] == out["fusion"]
    assert out["fusion"]["question"] == "What is it?"


async def test_a_mapping_as_context_changes_the_settings_of_one_run(serve: Serve) -> None:
    server = await serve(cast())
    graph = create_fusion(settings())
    await graph.ainvoke(ASKED, context={"mode": "analysis"})
    assert not server.seen_by("w/writer")
    await graph.ainvoke(ASKED, {"configurable": {"fusion": {"mode": "analysis"}}})
    assert not server.seen_by("w/writer")
    await graph.ainvoke(ASKED)
    assert server.seen_by("w/writer")


async def test_a_context_cannot_change_the_number_of_seats(serve: Serve) -> None:
    await serve(cast())
    with pytest.raises(ConfigError, match="3 seats and the settings have 2"):
        await create_fusion(settings()).ainvoke(ASKED, context={"panel": ["m/a", "m/b"]})


async def test_an_applications_own_tool_reaches_every_member(fuse: Fuse) -> None:
    @tool
    def lookup(key: str) -> str:
        """Look a key up."""
        return f"{key} is 42"

    def member(seen: Seen) -> Reply:
        assert seen.tool_names == ["lookup"]
        return (
            text(seen.tool_results[0])
            if seen.tool_results
            else tool_calls([("lookup", {"key": "it"})])
        )

    fused = await fuse(cast({A: member}), settings(), tools=[lookup])
    assert fused.result.answers[0].text.startswith("it is 42")


async def test_runs_at_the_same_time_do_not_mix(serve: Serve) -> None:
    await serve(cast({A: lambda seen: text(f"echo {seen.last}")}))
    graph = create_fusion(settings())
    asked = [{"messages": [HumanMessage(f"q{n}")]} for n in range(20)]
    outs = await asyncio.gather(*(graph.ainvoke(one) for one in asked))
    answers = [out["fusion"]["answers"] for out in outs]
    assert [[a["text"] for a in one if a["seat"] == "A"] for one in answers] == [
        [f"echo q{n}"] for n in range(20)
    ]
    assert all(len(out["fusion"]["bill"]["calls"]) == 5 for out in outs)


async def test_a_cancelled_run_stops_every_call_at_once(serve: Serve) -> None:
    server = await serve(cast({A: hang(), "m/b": hang(), "m/c": hang()}))
    run = asyncio.ensure_future(create_fusion(settings()).ainvoke(ASKED))
    while server.in_flight < 3:
        await asyncio.sleep(0.01)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await asyncio.sleep(0.1)
    assert server.in_flight == 0


def test_the_graph_says_that_it_is_async_only() -> None:
    with pytest.raises(TypeError, match="async only"):
        create_fusion(settings()).invoke(ASKED)
