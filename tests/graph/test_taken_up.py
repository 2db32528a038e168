"""A parent's checkpointer takes a run up in the middle: what is lost is said, the rest is whole."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph

from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.errors import ConfigError
from tests.graph.cast import JUDGE, WRITER, A, B, C, asked_again, cast, disputed, judge, settings
from tests.graph.conftest import Serve
from tests.scripted import Reply, ScriptedServer, Seen, hang, text, tool_calls

THREAD: Any = {"configurable": {"thread_id": "1"}}
ASKED: Any = {"messages": [HumanMessage("What is it?")]}


def parent(**given: Any) -> Any:
    host = StateGraph(MessagesState)
    host.add_node("fusion", create_fusion(**given))
    host.add_edge(START, "fusion")
    host.add_edge("fusion", END)
    return host.compile(checkpointer=InMemorySaver())


async def interrupted(app: Any, server: ScriptedServer, calls: int) -> None:
    """Let the parent work until so many calls have begun and one hangs; then stop it."""
    work = asyncio.create_task(app.ainvoke(ASKED, THREAD))
    async with asyncio.timeout(100):
        while len(server.requests) < calls or server.in_flight != 1:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)  # LangGraph writes what the others have done
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def resumed(app: Any) -> dict[str, Any]:
    out = await app.ainvoke(None, THREAD)
    result: dict[str, Any] = out["messages"][-1].response_metadata["fusion"]
    return result


def researcher(last: Reply) -> Any:
    def part(seen: Seen) -> Reply:
        searched = tool_calls([("docs_search", {"query": "fusion"})])
        return last if seen.tool_results else searched

    return part


async def test_calls_before_the_interruption_are_not_billed_as_nothing(
    serve: Serve, docs: str
) -> None:
    server = await serve(cast({A: researcher(hang()), B: researcher(text("Beta [B1]."))}))
    app = parent(settings=settings(tools=["docs"], docs=docs))
    await interrupted(app, server, 5)
    again = tool_calls([("docs_search", {"query": "cost"})])

    def alpha(seen: Seen) -> Reply:
        return again if len(seen.tool_results) == 1 else text("Alpha [A501].")

    server.script = cast({A: alpha}, answer="It is so [A501] [B1].")
    result = await resumed(app)
    assert [len(server.seen_by(name)) for name in (A, B, C, JUDGE, WRITER)] == [4, 2, 1, 1, 1]
    bill = result["bill"]
    lost = [call["seat"] for call in bill["calls"] if call["error"] == "interrupted"]
    assert (lost, bill["total"]["cost_usd"]) == (["A"], None)
    assert bill["total"]["known_cost_usd"] < server.usage().cost
    assert "calls_lost" in result["degraded"]
    assert any("what A had done" in note for note in result["notes"])
    ids = [source["id"] for source in result["sources"]]
    assert "A1" not in ids, "A may know another source by this id"
    assert {"A501", "B1"} <= {*ids}


async def test_a_lost_call_of_a_model_on_this_machine_costs_nothing(
    serve: Serve, docs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await serve(cast({A: researcher(hang())}))
    monkeypatch.setenv("LOCAL_BASE_URL", server.base_url)
    app = parent(settings=settings(panel=[f"local:{A}", B], tools=["docs"], docs=docs))
    await interrupted(app, server, 3)
    server.script = cast()
    bill = (await resumed(app))["bill"]
    lost = [(one["seat"], one["cost_usd"]) for one in bill["calls"] if one["error"]]
    assert lost == [("A", 0.0)]
    assert bill["total"]["cost_usd"] == bill["total"]["known_cost_usd"]


async def test_sources_of_the_time_before_keep_their_ids_in_a_later_round(
    serve: Serve, docs: str
) -> None:
    again = asked_again(researcher(text("It is 42 [A1].")), researcher(text("Still 42 [A1].")))
    parts: dict[str, Any] = {A: again, B: text("It is 17."), JUDGE: hang()}
    server = await serve(cast(parts))
    app = parent(settings=settings(tools=["docs"], docs=docs))
    await interrupted(app, server, 5)
    settled = judge(disputed(), {"consensus": [{"claim": "42", "seats": ["A", "B"]}]})
    server.script = cast(parts | {JUDGE: settled}, answer="42 [A1].")
    result = await resumed(app)
    assert result["rounds"] == 1
    ids = [source["id"] for source in result["sources"]]
    assert len(ids) == len(set(ids))
    lost = [call["seat"] for call in result["bill"]["calls"] if call["error"] == "interrupted"]
    assert lost == ["judge"]


async def test_with_a_journal_nothing_is_lost(serve: Serve, docs: str, tmp_path: Path) -> None:
    server = await serve(cast({A: researcher(hang())}))
    store = tmp_path / "runs.db"
    given: Any = {"settings": settings(tools=["docs"], docs=docs), "runs": store}
    app = parent(**given, run_id="kept", take_over=True)
    await interrupted(app, server, 4)
    server.script = cast({A: researcher(text("Alpha [A1]."))}, answer="It is so [A1].")
    result = await resumed(app)
    assert [len(server.seen_by(name)) for name in (A, B, C, JUDGE, WRITER)] == [3, 1, 1, 1, 1]
    assert (result["run_id"], result["degraded"]) == ("kept", [])
    calls = [(call["seat"], call["error"]) for call in result["bill"]["calls"]]
    assert calls.count(("A", None)) == 2
    assert calls.count(("A", "cancelled")) == 1


async def test_a_run_that_another_process_has_finished_meanwhile_says_how_to_have_its_result(
    serve: Serve, tmp_path: Path
) -> None:
    server = await serve(cast({JUDGE: hang()}))
    given: Any = {"settings": settings(), "runs": tmp_path / "runs.db", "run_id": "kept"}
    app = parent(**given, take_over=True)
    await interrupted(app, server, 4)
    server.script = cast()
    elsewhere = create_fusion(**given, take_over=True)
    assert (await elsewhere.ainvoke(ASKED))["fusion"]["answer"] == "Done."
    asked = len(server.requests)
    with pytest.raises(ConfigError, match="new thread with this `run_id`"):
        await resumed(app)
    out = await app.ainvoke(ASKED, {"configurable": {"thread_id": "2"}})
    assert out["messages"][-1].text == "Done."
    assert len(server.requests) == asked


async def test_a_run_that_is_kept_under_another_id_each_time_goes_on_too(
    serve: Serve, tmp_path: Path
) -> None:
    server = await serve(cast({JUDGE: hang()}))
    app = parent(settings=settings(), runs=tmp_path / "runs.db")
    await interrupted(app, server, 4)
    server.script = cast()
    result = await resumed(app)
    assert (result["answer"], result["degraded"]) == ("Done.", ["calls_lost"])
