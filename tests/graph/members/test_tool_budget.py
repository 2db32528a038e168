"""The tool budget: stated, counted down, its end announced one turn ahead, kept in order."""

import asyncio
from itertools import pairwise

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool

from langgraph_fusion.graph.members.tool_budget import with_budget_notes
from tests.graph.cast import A, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Seen, text, tool_calls


async def test_the_budget_is_counted_down_and_its_end_announced_a_turn_ahead(
    fuse: Fuse, docs: str
) -> None:
    def member(seen: Seen) -> Reply:
        if not seen.tool_names:
            return text("Three members [A1].")
        return tool_calls([("docs_search", {"query": f"fusion {len(seen.tool_results)}"})])

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs, max_tool_calls=3))
    seen = fused.server.seen_by(A)
    assert "You have 3 tool calls" in seen[0].system
    assert seen[1].tool_results[-1].endswith("(2 tool calls are left.)")
    assert "One tool call is left. The turn after it is your last" in seen[2].tool_results[-1]
    assert "No tools remain" in seen[3].last
    for earlier, later in pairwise(seen):
        kept = len(earlier.messages) if earlier.tool_names else 0
        assert later.messages[:kept] == earlier.messages[:kept], "providers cache what stays"


@tool
async def slow_lookup(query: str) -> str:
    """Look something up, slowly."""
    await asyncio.sleep(1.2)
    return query


async def test_the_end_of_the_time_is_announced_a_turn_ahead(fuse: Fuse) -> None:
    def member(seen: Seen) -> Reply:
        if not seen.tool_names:
            return text("From what I have: 42.")
        return tool_calls([("slow_lookup", {"query": str(len(seen.tool_results))})])

    chosen = settings(panel=[A], deadline_s=11, max_tool_calls=50)
    fused = await fuse(cast({A: member}), chosen, tools=[slow_lookup])
    *earlier, told, last = fused.server.seen_by(A)
    assert "time is running out: the turn after this one may be your last" in told.tool_results[-1]
    assert "running out" not in earlier[1].tool_results[-1]
    assert "No tools remain" in last.last
    assert last.messages[: len(told.messages)] == told.messages, "providers cache what stays"
    assert fused.result.answers[0].cut_short == "time"


async def test_a_batch_that_does_not_fit_runs_what_fits_in_its_order(fuse: Fuse, docs: str) -> None:
    asked = [("docs_search", {"query": word}) for word in ("fusion", "cost", "panel", "run")]

    def member(seen: Seen) -> Reply:
        return tool_calls(asked) if seen.tool_names else text("Done [A1].")

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs, max_tool_calls=2))
    results = fused.server.seen_by(A)[1].tool_results
    assert [one.startswith("This call was not run") for one in results] == [
        False, False, True, True,
    ]  # fmt: skip
    assert "room for the first 2 calls of the 4 in this turn" in results[-1]
    assert fused.result.answers[0].tool_calls == 2


def _batches(*sizes: int) -> list[BaseMessage]:
    messages: list[BaseMessage] = [HumanMessage("What is it?")]
    for size in sizes:
        messages.append(AIMessage("", tool_calls=[]))
        messages += [ToolMessage(f"found {n}", tool_call_id=f"{n}") for n in range(size)]
    return messages


def test_what_is_left_stands_under_the_last_result_of_a_batch_only() -> None:
    shown = with_budget_notes(_batches(2, 1), 5)
    assert [message.text for message in shown if isinstance(message, ToolMessage)] == [
        "found 0",
        "found 1\n\n(3 tool calls are left.)",
        "found 0\n\n(2 tool calls are left.)",
    ]
    hurried = with_budget_notes(_batches(2, 1), 5, {3})
    assert hurried[:4] == shown[:4]
    assert "2 tool calls are left, but time is running out" in str(hurried[-1].text)
    assert with_budget_notes(_batches(2, 1, 1), 5)[: len(shown)] == shown
    assert with_budget_notes(_batches(3), 3) == _batches(3), "the request to write says the rest"
