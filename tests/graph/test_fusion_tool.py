import asyncio
import json
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from langgraph_fusion import ConfigError, FusionResult, fusion_tool
from langgraph_fusion.models.factory import ModelOptions, chat_model
from langgraph_fusion.models.providers import ModelRef
from tests.graph.cast import JUDGE, PANEL, WRITER, Part, cast, settings
from tests.graph.conftest import Serve
from tests.scripted import Reply, Seen, hang, status, text, tool_calls

ASKED = {"messages": [HumanMessage("Decide for me.")]}


def agent(tool: Any, **given: Any) -> Any:
    model = chat_model(ModelRef.parse("m/agent"), ModelOptions())
    return create_agent(model, [tool], **given)


def asks_once(*questions: str, name: str = "deliberate") -> Part:
    """An agent's model that calls the tool, side by side for several questions, and reports."""

    def part(seen: Seen) -> Reply:
        if seen.tool_results:
            return text("Told: " + " / ".join(seen.tool_results))
        return tool_calls([(name, {"question": question}) for question in questions])

    return part


async def test_an_agent_deliberates_reads_the_answer_and_keeps_the_whole_result(
    serve: Serve,
) -> None:
    server = await serve(cast({"m/agent": asks_once("Is it 42?")}, answer="It is 42."))
    out = await agent(fusion_tool(settings())).ainvoke(ASKED)
    assert out["messages"][-1].text == "Told: It is 42."
    [told] = [one for one in out["messages"] if isinstance(one, ToolMessage)]
    result = FusionResult.model_validate(told.artifact)
    assert (result.question, result.answer, told.status) == ("Is it 42?", "It is 42.", "success")
    assert {seen.model for seen in server.requests} == {"m/agent", *PANEL, JUDGE, WRITER}


async def test_the_model_is_offered_one_question_and_told_when_it_is_worth_it(
    serve: Serve,
) -> None:
    server = await serve(cast({"m/agent": text("No need.")}))
    tool = fusion_tool(settings(), name="ask_panel", description="Ask the panel.")
    await agent(tool).ainvoke(ASKED)
    [offered] = [one["function"] for one in server.requests[0].body["tools"]]
    assert (offered["name"], offered["description"]) == ("ask_panel", "Ask the panel.")
    assert list(offered["parameters"]["properties"]) == ["question"]
    assert "hard, contested" in fusion_tool(settings()).description


async def test_the_events_of_the_run_stream_through_the_agent_with_their_namespace(
    serve: Serve,
) -> None:
    await serve(cast({"m/agent": asks_once("Is it 42?")}))
    seen: list[tuple[str, str]] = []
    panel = agent(fusion_tool(settings(tools=["web_fetch"])))
    stream = panel.astream(ASKED, stream_mode="custom", subgraphs=True)
    async for space, event in stream:
        seen.append(("|".join(part.split(":")[0] for part in space), event["type"]))
    assert seen[0] == ("tools", "run.started")
    assert ("tools|member_A", "model.call") in seen
    assert seen[-1] == ("tools", "run.finished")


async def test_two_calls_side_by_side_are_two_runs(serve: Serve) -> None:
    await serve(cast({"m/agent": asks_once("First?", "Second?")}))
    graph = agent(fusion_tool(settings()), checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    out = await graph.ainvoke(ASKED, config)
    results = [one.artifact for one in out["messages"] if isinstance(one, ToolMessage)]
    assert [one["question"] for one in results] == ["First?", "Second?"]
    assert len({one["run_id"] for one in results}) == 2
    kept = (await graph.aget_state(config)).values["messages"]
    assert json.loads(json.dumps(kept[-2].artifact)) == results[-1]


async def test_a_run_that_fails_is_told_to_the_model_with_every_reason(serve: Serve) -> None:
    down = {model: status(402) for model in PANEL}
    await serve(cast({"m/agent": asks_once("Is it 42?"), **down}))
    out = await agent(fusion_tool(settings())).ainvoke(ASKED)
    [told] = [one for one in out["messages"] if isinstance(one, ToolMessage)]
    assert told.status == "error"
    assert "no member answered" in told.text
    assert "the provider's account has no credit" in told.text
    assert "Answer without it and say so" in told.text


async def test_what_went_worse_than_asked_is_told_as_well(serve: Serve) -> None:
    await serve(cast({"m/agent": asks_once("Is it 42?"), JUDGE: text("no JSON")}))
    out = await agent(fusion_tool(settings())).ainvoke(ASKED)
    assert "Notes on this deliberation" in out["messages"][-1].text


async def test_an_agent_that_is_cancelled_stops_the_deliberation(serve: Serve) -> None:
    endless = dict.fromkeys(PANEL, hang())
    server = await serve(cast({"m/agent": asks_once("Is it 42?"), **endless}))
    work = asyncio.create_task(agent(fusion_tool(settings())).ainvoke(ASKED))
    async with asyncio.timeout(30):
        while server.in_flight < len(PANEL):
            await asyncio.sleep(0.02)
        work.cancel()
        await asyncio.wait({work})
        while server.in_flight:
            await asyncio.sleep(0.02)
    assert work.cancelled()
    assert JUDGE not in {seen.model for seen in server.requests}


def test_a_missing_key_is_an_error_when_the_tool_is_built() -> None:
    with pytest.raises(ConfigError, match="OPENROUTER_API_KEY"):
        fusion_tool(settings())


async def test_the_tool_is_an_ordinary_one_without_an_agent(serve: Serve) -> None:
    await serve(cast(answer="It is 42."))
    assert await fusion_tool(settings()).ainvoke({"question": "Is it 42?"}) == "It is 42."
