"""What held for a run when it was stopped still holds when it goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import tool

from langgraph_fusion.graph.api import aask, deliberate
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.graph.request.given_files import MAX_BYTES
from langgraph_fusion.graph.resume import stopped_run
from tests.graph.cast import (
    JUDGE,
    PANEL,
    WRITER,
    A,
    B,
    C,
    cast,
    contradiction,
    disputed,
    judge,
    settings,
)
from tests.graph.conftest import Price, Serve
from tests.graph.stopping import stopped
from tests.scripted import ScriptedServer, Seen, hang, status, text, tool_calls

SPARE = "m/spare"
AGREED = {"consensus": [{"claim": "It is 42.", "seats": ["A", "B"]}]}


@pytest.fixture
async def runs(tmp_path: Path) -> AsyncIterator[RunRepository]:
    async with open_runs(tmp_path / "runs.db") as opened:
        assert opened is not None
        yield opened


def asked(server: ScriptedServer, *models: str) -> list[int]:
    """How often each of these models was asked."""
    return [len(server.seen_by(model)) for model in models]


def stuck_after_a_search(seen: Seen) -> Any:
    """Searches once, and gets nowhere with what it found."""
    return hang() if seen.tool_results else tool_calls([("docs_search", {"query": "fusion"})])


async def test_a_member_that_the_quorum_cut_off_is_not_asked_again(
    serve: Serve, runs: RunRepository
) -> None:
    chosen = settings(quorum=2, grace_s=0.2)
    server = await serve(cast({C: hang(), JUDGE: hang()}))
    run_id = await stopped(runs, "judge.started", settings=chosen)
    server.script = cast({C: text("Gamma, at last.")})
    result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    assert asked(server, A, B, C) == [1, 1, 1]
    assert [(one.seat, one.reason) for one in result.failed_members] == [("C", "quorum")]
    assert '<failed seat="C">' in server.seen_by(JUDGE)[-1].last
    assert result.answer == "Done."


async def test_the_quorum_counts_who_had_answered_before_the_run_was_stopped(
    serve: Serve, runs: RunRepository
) -> None:
    chosen = settings(quorum=2, grace_s=0.2)
    server = await serve(cast({B: hang(), C: hang()}))
    run_id = await stopped(runs, "member.finished", "A", settings=chosen)
    server.script = cast({C: hang()})
    result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    assert asked(server, A)[0] == 1
    assert [(one.seat, one.reason) for one in result.failed_members] == [("C", "quorum")]


async def test_money_that_was_spent_counts_towards_the_cap(
    serve: Serve, runs: RunRepository, priced: Price
) -> None:
    """The whole cap would pay for judge or writer; what the answers leave of it does not."""
    chosen = settings(budget_usd=0.2)
    server = await serve(cast({name: text("word " * 9000) for name in PANEL}))
    run_id = await stopped(runs, "judge.started", settings=chosen)
    result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    assert asked(server, *PANEL, JUDGE, WRITER) == [1, 1, 1, 0, 0]
    assert "synthesizer_budget" in result.degraded
    assert server.usage().cost <= 0.2
    assert result.bill.total.known_cost_usd == pytest.approx(server.usage().cost)


async def test_the_cap_is_kept_by_a_run_that_is_stopped_in_the_middle_of_research(
    serve: Serve, runs: RunRepository, priced: Price, docs: str
) -> None:
    chosen = settings(budget_usd=0.2, panel=[A, B], tools=["docs"], docs=docs)
    server = await serve(cast({A: stuck_after_a_search}))
    run_id = await stopped(runs, "member.tool_done", "A", settings=chosen)
    server.script = cast({A: text("word " * 9000)})
    result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    assert result.answer
    assert server.usage().cost <= 0.2
    assert result.bill.total.known_cost_usd == pytest.approx(server.usage().cost)


async def test_a_seat_stays_on_the_fallback_it_had_switched_to(
    serve: Serve, runs: RunRepository, docs: str
) -> None:
    seat = {"model": A, "fallbacks": [SPARE]}
    chosen = settings(panel=[seat, B], tools=["docs"], docs=docs)
    server = await serve(cast({A: status(404), SPARE: stuck_after_a_search}))
    run_id = await stopped(runs, "member.tool_done", "A", settings=chosen)
    server.script = cast({SPARE: text("Spare says 42 [A1].")})
    result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    answer = next(one for one in result.answers if one.seat == "A")
    assert asked(server, A) == [1]
    assert (answer.text, answer.model) == ("Spare says 42 [A1].", f"openrouter:{SPARE}")
    assert [(one.model, one.reason) for one in answer.switches] == [
        (f"openrouter:{A}", "invalid_model")
    ]


async def test_a_seat_stays_with_the_model_that_won_its_hedge(
    serve: Serve, runs: RunRepository, docs: str
) -> None:
    seat = {"model": A, "fallbacks": [SPARE], "hedge_s": 0.3}
    chosen = settings(panel=[seat, B], tools=["docs"], docs=docs)
    server = await serve(cast({A: hang(), SPARE: stuck_after_a_search}))
    run_id = await stopped(runs, "member.tool_done", "A", settings=chosen)
    server.script = cast({A: hang(), SPARE: text("Spare says 42.")})
    result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    answer = next(one for one in result.answers if one.seat == "A")
    assert (answer.text, answer.model) == ("Spare says 42.", f"openrouter:{SPARE}")
    assert [(one.model, one.reason) for one in answer.switches] == [(f"openrouter:{A}", "slow")]
    calls = [(call.model, call.error, call.cost_usd) for call in result.bill.calls]
    assert (f"openrouter:{A}", "cancelled", None) in calls, "what the slow one cost is unknown"


@tool
async def long_lookup(query: str) -> str:
    """Look something up that is long."""
    return f"About {query}: " + "lorem ipsum " * 2000


async def test_what_was_shortened_to_fit_a_model_is_sent_shortened_again(
    serve: Serve, runs: RunRepository
) -> None:
    """No model has to refuse once more what was refused, and its cache is hit where it was."""

    def member(seen: Seen) -> Any:
        if sum(map(len, seen.tool_results)) > 30_000:
            return status(400, body={"error": {"message": "maximum context length is 8 tokens"}})
        if (count := len(seen.tool_results)) < 3:
            return tool_calls([("long_lookup", {"query": f"{count}"})])
        return hang() if stop else text("It is 42.")

    def refused() -> int:
        return sum(sum(map(len, one.tool_results)) > 30_000 for one in server.seen_by(A))

    stop, run_id, lookups = False, "", 0
    panel = [{"model": A}, {"model": B, "tools": [], "max_tool_calls": 0}]
    given: Any = {"settings": settings(panel=panel), "tools": [long_lookup], "runs": runs}
    server = await serve(cast({A: member}))
    whole = await aask("What is it?", **given)
    sent_by_whole, refused_to_whole = server.seen_by(A)[-1].tool_results, refused()
    stop = True
    async with aclosing(deliberate("What is it?", **given)) as events:
        async for event in events:
            run_id = str(event.get("run_id", run_id))
            lookups += event["type"] == "member.tool_done"
            if lookups == 3:
                break
    stop, made = False, len(server.seen_by(A))
    result = await aask("What is it?", **given, run_id=run_id)
    assert server.seen_by(A)[made].tool_results == sent_by_whole
    assert refused() == 2 * refused_to_whole > 0
    assert result.answers[0].shortened == whole.answers[0].shortened == 2


@tool
async def slow_lookup(query: str) -> str:
    """Look something up, slowly."""
    await asyncio.sleep(0.8)
    return query


async def test_the_note_that_time_runs_out_stands_where_it_stood(
    serve: Serve, runs: RunRepository
) -> None:
    """The new process has all its time again, and its prompt begins as the provider cached it."""

    def member(seen: Seen) -> Any:
        return tool_calls([("slow_lookup", {"query": str(len(seen.tool_results))})])

    def told() -> Seen | None:
        noted = [one for one in server.seen_by(A) if "time is running out" in one.text]
        return noted[0] if noted else None

    panel = [{"model": A}, {"model": B, "tools": [], "max_tool_calls": 0}]
    chosen, run_id = settings(panel=panel, deadline_s=9, max_tool_calls=50), ""
    given: Any = {"settings": chosen, "tools": [slow_lookup], "runs": runs}
    server = await serve(cast({A: member}))
    async with aclosing(deliberate("What is it?", **given)) as events:
        async for event in events:
            run_id = str(event.get("run_id", run_id))
            if event["type"] == "member.tool" and told():
                break
    hurried, made = told(), len(server.seen_by(A))
    assert hurried is not None, "it was told while it had tools"
    server.script = cast({A: text("It is 42.")})
    result = await aask("What is it?", **given, run_id=run_id)
    again = server.seen_by(A)[made]
    assert again.messages[: len(hurried.messages)] == hurried.messages
    assert result.answers[0].text == "It is 42."


async def test_a_panel_that_had_grown_has_the_same_seats(serve: Serve, runs: RunRepository) -> None:
    chosen = settings(panel_growth="adaptive")
    settled = {"contradictions": [contradiction(status="resolved", resolution="42.")], **AGREED}
    parts: dict[str, Any] = {B: text("Beta says 17."), JUDGE: judge(disputed(), settled)}
    server = await serve(cast({**parts, C: hang()}))
    run_id = await stopped(runs, "member.started", "C", settings=chosen)
    server.script = cast(parts)
    result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    grown = result.panel_growth
    assert grown is not None
    assert (grown.first, grown.added, grown.reason) == (("A", "B"), ("C",), "conflict")
    assert asked(server, A, B, JUDGE) == [1, 1, 2]
    assert [seat.status for seat in result.panel] == ["ok", "ok", "ok"]


async def test_a_panel_of_two_that_agreed_is_not_grown_later(
    serve: Serve, runs: RunRepository
) -> None:
    chosen = settings(panel_growth="adaptive")
    server = await serve(cast({WRITER: hang()}, analysis=AGREED))
    run_id = await stopped(runs, "judge.finished", settings=chosen)
    server.script = cast(analysis=disputed())
    result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    assert asked(server, A, B, C, JUDGE) == [1, 1, 0, 1]
    assert [seat.status for seat in result.panel] == ["ok", "ok", "not_seated"]


async def test_a_run_whose_file_is_gone_goes_on_with_what_was_stored_of_it(
    serve: Serve, runs: RunRepository, tmp_path: Path
) -> None:
    table = tmp_path / "data.csv"
    table.write_text("n\n42\n")
    server = await serve(cast({B: hang()}))
    run_id = await stopped(runs, "member.finished", "A", files=[table])
    table.unlink()
    server.script = cast()
    again = await stopped_run(runs, run_id)
    events = [event async for event in again.events(runs)]
    result = events[-1]["result"]
    assert result["answer"] == "Done."
    assert [(one["name"], one["read"]) for one in result["attached"]] == [("data.csv", True)]
    assert "n\n42" in server.seen_by(B)[-1].text.replace("\r", "")
    assert asked(server, A) == [1]


async def test_a_run_whose_file_was_not_stored_and_is_gone_says_so_and_asks_nobody(
    serve: Serve, runs: RunRepository, tmp_path: Path
) -> None:
    """It was too large to be read."""

    def put() -> None:
        with table.open("wb") as file:
            file.truncate(MAX_BYTES + 1)

    table = tmp_path / "data.csv"
    put()
    server = await serve(cast({JUDGE: hang()}))
    run_id = await stopped(runs, "judge.started", files=[table])
    made = len(server.requests)
    table.unlink()
    with pytest.raises(ConfigError, match=r"files that are gone: .*data\.csv; put them back"):
        await stopped_run(runs, run_id)
    with pytest.raises(ConfigError, match=r"there is no file .*data\.csv"):
        await aask("What is it?", settings(), runs=runs, run_id=run_id, files=[table])
    assert len(server.requests) == made
    put()
    server.script = cast()
    again = await stopped_run(runs, run_id)
    events = [event async for event in again.events(runs)]
    assert events[-1]["result"]["answer"] == "Done."
    assert asked(server, A) == [1]
