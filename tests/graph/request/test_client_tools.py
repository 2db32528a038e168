"""The caller's own tools: only the synthesizer sees them, and a run goes on with their results."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.store.memory import InMemoryStore

from langgraph_fusion.graph.errors import ConfigError
from tests.graph.cast import JUDGE, PANEL, WRITER, A, cast, settings
from tests.graph.conftest import Fuse, Serve
from tests.scripted import Reply, Seen, status, text, tool_calls

TOOL = {
    "type": "function",
    "function": {
        "name": "book_table",
        "description": "Book a table.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}
BOOKS = tool_calls([("book_table", {"at": "19:00"})])


def with_tool(**given: Any) -> Any:
    return settings(client_tools=[TOOL], **given)


def answered(calls: Any, *results: str) -> list[AnyMessage]:
    """The conversation that a client sends back."""
    made = [{"name": one.name, "args": one.args, "id": one.id} for one in calls]
    told = [
        ToolMessage(said, tool_call_id=one["id"]) for said, one in zip(results, made, strict=True)
    ]
    return [HumanMessage("What is it?"), AIMessage("", tool_calls=made), *told]


def writer(seen: Seen) -> Reply:
    return text("Booked.") if seen.tool_results else BOOKS


async def test_only_the_writer_gets_the_tools_and_its_call_is_handed_out(fuse: Fuse) -> None:
    fused = await fuse(cast({WRITER: BOOKS}), with_tool(tool_choice="auto"))
    asked = fused.server.seen_by(WRITER)[0]
    assert asked.body["tools"] == [TOOL]
    assert asked.body["tool_choice"] == "auto"
    assert not any(seen.tool_names for seen in fused.server.requests if seen.model in PANEL)
    (call,) = fused.result.tool_calls
    assert (call.name, call.args) == ("book_table", {"at": "19:00"})
    assert call.id == f"call_{fused.result.run_id}_1"
    assert fused.result.answer == ""
    assert fused.result.degraded == ()


async def test_calls_come_one_at_a_time_if_that_is_asked_for(fuse: Fuse) -> None:
    both = tool_calls([("book_table", {"at": "19:00"}), ("book_table", {"at": "20:00"})])
    fused = await fuse(cast({WRITER: both}), with_tool(parallel_tool_calls=False))
    assert fused.server.seen_by(WRITER)[0].body["parallel_tool_calls"] is False
    assert [one.args for one in fused.result.tool_calls] == [{"at": "19:00"}]
    fused = await fuse(cast({WRITER: both}), with_tool())
    assert "parallel_tool_calls" not in fused.server.seen_by(WRITER)[0].body
    assert len(fused.result.tool_calls) == 2


async def test_the_message_of_the_graph_carries_the_calls(serve: Serve) -> None:
    from langgraph_fusion.graph.build import create_fusion

    await serve(cast({WRITER: BOOKS}))
    output = await create_fusion(with_tool()).ainvoke({"messages": [HumanMessage("What is it?")]})
    message = output["messages"][-1]
    assert message.content == ""
    assert message.tool_calls[0]["name"] == "book_table"
    assert message.tool_calls[0]["id"] == output["fusion"]["tool_calls"][0]["id"]


async def test_a_run_goes_on_with_the_results_and_pays_the_panel_once(fuse: Fuse) -> None:
    store = InMemoryStore()
    first = await fuse(cast({WRITER: writer}), with_tool(), runs=store)
    run_id, calls = first.result.run_id, first.result.tool_calls
    turns = answered(calls, "Table 7 at 19:00")
    script = cast({WRITER: writer})
    second = await continued(fuse, script, with_tool(), turns, store, run_id)
    assert second.result.answer == "Booked."
    assert second.result.run_id == run_id
    assert [seen.model for seen in second.server.requests] == [WRITER]
    roles = [one["role"] for one in second.server.requests[0].messages]
    assert roles == ["system", "user", "assistant", "tool"]
    assert second.server.requests[0].messages[:2] == first.server.seen_by(WRITER)[0].messages
    assert second.server.requests[0].tool_results == ["Table 7 at 19:00"]
    assert second.server.requests[0].messages[2]["tool_calls"][0]["id"] == calls[0].id


async def continued(
    fuse: Fuse, script: Any, given: Any, turns: list[AnyMessage], store: Any, run_id: str
) -> Any:
    return await fuse(script, given, turns, runs=store, run_id=run_id)


async def test_calls_of_a_later_turn_are_numbered_on(fuse: Fuse) -> None:
    store = InMemoryStore()
    first = await fuse(cast({WRITER: BOOKS}), with_tool(), runs=store)
    turns = answered(first.result.tool_calls, "full")
    script = cast({WRITER: BOOKS})
    second = await continued(fuse, script, with_tool(), turns, store, first.result.run_id)
    assert [one.id for one in second.result.tool_calls] == [f"call_{first.result.run_id}_2"]


async def test_results_for_a_run_that_is_not_kept_are_told_to_panel_and_writer(
    fuse: Fuse,
) -> None:
    call = {"name": "book_table", "args": {}, "id": "call_0123456789ab_1"}
    turns = [
        HumanMessage("?"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("Table 7", tool_call_id=call["id"]),
    ]
    fused = await fuse(cast(), with_tool(), turns)
    assert fused.result.answer == "Done."
    for model in (A, JUDGE, WRITER):
        assert "Table 7" in str(fused.server.seen_by(model)[0].messages)


async def test_every_call_needs_its_result_and_every_result_its_call(
    fuse: Fuse, serve: Serve
) -> None:
    call = {"name": "book_table", "args": {}, "id": "call_a"}
    calls = AIMessage("", tool_calls=[call, {**call, "id": "call_b"}])
    one, stray = (ToolMessage("7", tool_call_id=id) for id in ("call_a", "call_c"))
    for turns, named in (([calls, one], "'call_b' has no result"), ([one, stray], "'call_a'")):
        with pytest.raises(ConfigError, match=named):
            await fuse(cast(), with_tool(mode="direct"), [HumanMessage("?"), *turns])


async def test_without_a_panel_any_results_are_taken(fuse: Fuse) -> None:
    fused = await fuse(cast({WRITER: writer}), with_tool(mode="direct"))
    assert fused.result.tool_calls[0].id == f"call_{fused.result.run_id}_1"
    turns = answered(fused.result.tool_calls, "Table 7")
    fused = await fuse(cast({WRITER: writer}), with_tool(mode="direct"), turns)
    assert fused.result.answer == "Booked."
    roles = [one["role"] for one in fused.server.requests[0].messages]
    assert roles == ["user", "assistant", "tool"]


async def test_malformed_arguments_are_mended_and_unknown_tools_left_out(fuse: Fuse) -> None:
    broken = tool_calls([("book_table", '{"at": "19:00"'), ("rm", "{}")], content="One moment.")
    fused = await fuse(cast({WRITER: broken}), with_tool())
    assert [(one.name, one.args) for one in fused.result.tool_calls] == [
        ("book_table", {"at": "19:00"})
    ]
    assert fused.result.answer == "One moment."


async def test_a_call_of_nothing_but_unknown_tools_goes_to_the_fallback(fuse: Fuse) -> None:
    seat = {"model": "w/odd", "fallbacks": [WRITER]}
    script = cast({"w/odd": tool_calls([("rm", "{}")]), WRITER: text("Done.")})
    fused = await fuse(script, with_tool(synthesizer=seat))
    assert fused.result.answer == "Done."
    assert fused.result.tool_calls == ()


async def test_choice_none_hands_nothing_out(fuse: Fuse) -> None:
    said = tool_calls([("book_table", {"at": "19:00"})], content="Done.")
    fused = await fuse(cast({WRITER: said}), with_tool(tool_choice="none"))
    assert fused.result.tool_calls == ()
    assert fused.result.answer == "Done."


async def test_select_asks_the_writer_when_it_may_need_tools(fuse: Fuse) -> None:
    analysis = {"consensus": [], "best_answer": "B"}
    fused = await fuse(cast({WRITER: BOOKS}, analysis=analysis), with_tool(mode="select"))
    assert fused.result.tool_calls


async def test_a_failed_writer_still_leaves_the_best_answer(fuse: Fuse) -> None:
    fused = await fuse(cast({WRITER: status(401)}), with_tool())
    assert fused.result.answer.endswith("says 42.")
    assert fused.result.tool_calls == ()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"client_tools": [{"type": "web_search"}]}, "client_tools"),
        ({"client_tools": [{"type": "function", "function": {"name": "a b"}}]}, "letters, digits"),
        ({"client_tools": [TOOL, TOOL]}, "same name"),
        ({"tool_choice": "auto"}, "no tools to choose"),
        ({"client_tools": [TOOL], "tool_choice": "maybe"}, "tool_choice"),
        (
            {
                "client_tools": [TOOL],
                "tool_choice": {"type": "function", "function": {"name": "x"}},
            },
            "names none of the tools",
        ),
        ({"client_tools": [TOOL], "mode": "analysis"}, "has no writer"),
    ],
)
def test_tools_that_cannot_be_called_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        settings(**wrong)
