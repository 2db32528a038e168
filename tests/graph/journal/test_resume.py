"""A run that is stopped goes on in another process, as far as a store can tell."""

import json
import sqlite3
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langgraph_fusion.graph.api import aask, deliberate
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.store import open_runs
from tests.graph.cast import JUDGE, WRITER, A, B, asked_again, cast, disputed, judge, settings
from tests.graph.conftest import Serve
from tests.graph.stopping import stopped
from tests.scripted import Seen, hang, structured, text, tool_calls


async def test_a_run_stopped_before_the_judge_asks_no_member_again(
    serve: Serve, tmp_path: Path
) -> None:
    server = await serve(cast({JUDGE: hang()}))
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        run_id = await stopped(runs, "judge.started")
        assert (await runs.get(run_id)).status == "interrupted"
        server.script = cast()
        result = await aask("What is it?", settings(), runs=runs, run_id=run_id)
        record = await runs.get(run_id)
    assert result.run_id == run_id
    assert result.answer == "Done."
    assert [len(server.seen_by(model)) for model in (A, B, WRITER)] == [1, 1, 1]
    assert record.status == "finished"
    assert record.resumes == 1
    assert result.bill.total.known_cost_usd == pytest.approx(server.usage().cost)


async def test_tool_results_and_their_sources_are_as_they_were(
    serve: Serve, tmp_path: Path, docs: str
) -> None:
    def member(seen: Seen) -> Any:
        if len(seen.tool_results) == 0:
            return tool_calls([("docs_search", {"query": "fusion"})])
        if len(seen.tool_results) == 1 and stop:
            return hang()
        return text("Three members [A1].")

    stop = True
    chosen = settings(panel=[A], tools=["docs"], docs=docs)
    server = await serve(cast({A: member}, answer="Three [A1]."))
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        run_id = await stopped(runs, "member.tool_done", "A", settings=chosen)
        for path in Path(docs).iterdir():
            path.write_text("# Other\n\nNothing of it is here any more: fusion.\n")
        stop = False
        result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    shown = [seen.tool_results for seen in server.seen_by(A) if seen.tool_results]
    assert shown[-1] == shown[0], "the member is shown what it was shown before"
    assert "three members" in result.sources[0].excerpt
    assert result.sources[0].number == 1


@pytest.mark.parametrize("recorded_before", [False, True])
async def test_a_resumed_member_is_told_of_passages_that_stand_above_and_of_no_others(
    serve: Serve, tmp_path: Path, docs: str, recorded_before: bool
) -> None:
    """Also in a run recorded by a version that did not write down what a call showed."""

    def member(seen: Seen) -> Any:
        done = len(seen.tool_results)
        if done == 1 and stop:
            return hang()
        if done < 2:
            return tool_calls([("docs_search", {"query": ["fusion", "panel fusion"][done]})])
        return text("Three members [A1].")

    stop = True
    chosen = settings(panel=[A], tools=["docs"], docs=docs)
    server = await serve(cast({A: member}, answer="Three [A1]."))
    path = tmp_path / "runs.db"
    async with open_runs(path) as runs:
        assert runs is not None
        run_id = await stopped(runs, "member.tool_done", "A", settings=chosen)
    if recorded_before:
        _take_out_what_was_shown(path)
    stop = False
    async with open_runs(path) as runs:
        assert runs is not None
        await aask("What is it?", chosen, runs=runs, run_id=run_id)
    first, again = server.seen_by(A)[-1].tool_results
    assert "The fusion panel has three members." in first
    assert ("The fusion panel has three members." in again) is recorded_before
    assert ("you have: A1" in again) is not recorded_before


def _take_out_what_was_shown(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        rows = db.execute("SELECT rowid, value FROM store WHERE key LIKE '%/tool/%'").fetchall()
        assert rows
        for row, value in rows:
            stored = json.loads(value)
            tool = json.loads(stored["text"])
            assert tool.pop("shown")
            stored["text"] = json.dumps(tool)
            db.execute("UPDATE store SET value = ? WHERE rowid = ?", (json.dumps(stored), row))


async def test_a_call_under_way_when_the_process_stopped_is_on_the_bill_at_unknown_cost(
    serve: Serve, tmp_path: Path
) -> None:
    server = await serve(cast({B: hang()}))
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        run_id = await stopped(runs, "member.finished", settings=settings(panel=[A, B]))
        server.script = cast()
        result = await aask("What is it?", settings(panel=[A, B]), runs=runs, run_id=run_id)
    lost = [call for call in result.bill.calls if call.error in ("cancelled", "interrupted")]
    assert [(call.seat, call.cost_usd) for call in lost] == [("B", None)]
    assert result.bill.total.cost_usd is None
    assert len(server.seen_by(A)) == 1


async def test_follow_ups_are_resumed_where_they_stopped(serve: Serve, tmp_path: Path) -> None:
    script = cast(
        {
            A: asked_again(text("It is 42."), text("Checked: 42.")),
            B: asked_again(text("It is 17."), hang()),
            JUDGE: judge(disputed(), {"consensus": [{"claim": "42", "seats": ["A", "B"]}]}),
        }
    )
    server = await serve(script)
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        await stopped_after_follow_up(runs, server)


async def stopped_after_follow_up(runs: RunRepository, server: Any) -> None:
    run_id, answers = "", 0
    async with aclosing(deliberate("What is it?", settings(), runs=runs)) as events:
        async for event in events:
            run_id = event.get("run_id", run_id)
            answers += event["type"] == "member.finished"
            if answers == 4:
                break
    server.script = cast(
        {
            B: text("Right, 42."),
            JUDGE: structured({"consensus": [{"claim": "42", "seats": ["A", "B"]}]}),
        }
    )
    result = await aask("What is it?", settings(), runs=runs, run_id=run_id)
    assert [(one.seat, one.round) for one in result.answers if one.text] == [
        ("A", 0), ("B", 0), ("C", 0), ("A", 1), ("B", 1),
    ]  # fmt: skip
    assert len(server.seen_by(A)) == 2
    assert len(server.seen_by(JUDGE)) == 2, result.bill.calls


async def test_a_finished_run_leaves_no_texts_unless_they_are_kept(
    serve: Serve, tmp_path: Path
) -> None:
    await serve(cast({A: text("A secret of alpha.")}))
    path = tmp_path / "runs.db"
    for keep in (False, True):
        async with open_runs(path, keep=keep) as runs:
            assert runs is not None
            run_id = (await aask("What is it?", settings(), runs=runs)).run_id
            journal = await runs.journal(await runs.get(run_id))
            assert bool(journal.keys) is keep
        assert (b"secret of alpha" in path.read_bytes()) is keep
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_finished_run_is_not_resumed(serve: Serve, tmp_path: Path) -> None:
    await serve(cast())
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        run_id = (await aask("What is it?", settings(), runs=runs)).run_id
        with pytest.raises(ConfigError, match=f"run {run_id} has finished"):
            await aask("What is it?", settings(), runs=runs, run_id=run_id)


async def test_a_run_that_is_at_work_is_not_taken_over(serve: Serve, tmp_path: Path) -> None:
    await serve(cast({JUDGE: hang()}))
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        async with aclosing(deliberate("What is it?", settings(), runs=runs)) as events:
            async for event in events:
                if event["type"] == "run.started":
                    run_id = event["run_id"]
                if event["type"] == "judge.started":
                    with pytest.raises(ConfigError, match="is still running"):
                        await aask("What is it?", settings(), runs=runs, run_id=run_id)
                    break


async def test_another_conversation_is_not_taken_for_the_run_s_own(
    serve: Serve, tmp_path: Path
) -> None:
    await serve(cast({JUDGE: hang()}))
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        run_id = await stopped(runs, "judge.started")
        with pytest.raises(ConfigError, match="began with another conversation"):
            await aask("Something else?", settings(), runs=runs, run_id=run_id)


BOOK = {"type": "function", "function": {"name": "book_table", "parameters": {"type": "object"}}}


def with_tool() -> Any:
    return settings(client_tools=[BOOK])


def booker(seen: Seen) -> Any:
    """A writer that calls the client's tool once, and answers when it has its result."""
    if seen.tool_results:
        return text(f"Booked: {seen.tool_results[0]}.")
    return tool_calls([("book_table", {})])


async def test_a_later_turn_is_billed_apart_and_may_be_asked_for_again(
    serve: Serve, tmp_path: Path
) -> None:
    server = await serve(cast({WRITER: booker}))
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        first = await aask("Book it.", with_tool(), runs=runs)
        turns = called(first.tool_calls[0].id, "Book it.")
        second = await aask(turns, with_tool(), runs=runs, run_id=first.run_id)
        made = len(server.requests)
        again = await aask(turns, with_tool(), runs=runs, run_id=first.run_id)
    assert made == 6, "three members, the judge, and the writer twice"
    assert len(server.requests) == made, "a lost answer is given again without a call"
    assert second.answer == again.answer == "Booked: Table 7."
    new = [call.seat for call in second.bill.calls if not call.carried]
    assert new == ["synthesizer"]
    assert [call.seat for call in second.bill.calls if call.carried][-1] == "synthesizer"
    assert second.bill.total.known_cost_usd == pytest.approx(server.usage().cost)
    assert all(call.carried for call in again.bill.calls)


def called(call_id: str, question: str) -> list[Any]:
    call = {"name": "book_table", "args": {}, "id": call_id}
    answer = ToolMessage("Table 7", tool_call_id=call_id)
    return [HumanMessage(question), AIMessage("", tool_calls=[call]), answer]
