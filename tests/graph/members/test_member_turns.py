"""What a member does when its model, its tools or its time do not let it finish its research."""

import asyncio
from typing import Any

import pytest
from langchain_core.tools import BaseTool, tool

from tests.graph.cast import A, B, C, Part, cast, settings
from tests.graph.conftest import Fuse, Fused
from tests.scripted import Reply, Seen, hang, status, text, tool_calls

LOOK = tool_calls([("docs_search", {"query": "fusion"})])
TOO_LONG = status(400, body={"error": {"message": "maximum context length is 8192 tokens"}})
TAKES_NONE = status(404, body={"error": {"message": "No endpoints found that support tool use"}})
INSISTS = status(400, body={"error": {"message": "The toolConfig field must be defined"}})


@tool
async def slow_lookup(query: str) -> str:
    """Look something up, slowly."""
    await asyncio.sleep(60)
    return query


@tool
async def long_lookup(query: str) -> str:
    """Look something up that is long."""
    return f"About {query}: " + "lorem ipsum " * 2000


async def fused_with(fuse: Fuse, part: Part, tools: list[BaseTool], **given: Any) -> Fused:
    """One member that has these tools, beside two that have none."""
    panel = [A, {"model": B, "tools": [], "max_tool_calls": 0}]
    panel.append({"model": C, "tools": [], "max_tool_calls": 0})
    return await fuse(cast({A: part}), settings(panel=panel, **given), tools=tools)


def sizes(fused: Fused) -> list[int]:
    """Characters of tool results in each request of the member."""
    return [sum(map(len, seen.tool_results)) for seen in fused.server.seen_by(A)]


# --- time


async def test_a_tool_that_runs_into_the_soft_end_is_interrupted(fuse: Fuse) -> None:
    def member(seen: Seen) -> Reply:
        if seen.tool_names:
            return tool_calls([("slow_lookup", {"query": "x"})])
        return text("From what I have: 42.")

    fused = await fused_with(fuse, member, [slow_lookup], deadline_s=5)
    answer = fused.result.answers[0]
    assert (answer.text, answer.status, answer.cut_short) == ("From what I have: 42.", "ok", "time")
    assert "interrupted" in fused.server.seen_by(A)[-1].tool_results[0]


async def test_a_tool_that_runs_when_the_quorum_is_reached_is_interrupted(fuse: Fuse) -> None:
    def member(seen: Seen) -> Reply:
        if seen.tool_names:
            return tool_calls([("slow_lookup", {"query": "x"})])
        return text("From what I have: 42.")

    fused = await fused_with(fuse, member, [slow_lookup], quorum=2, grace_s=20)
    answer = next(one for one in fused.result.answers if one.seat == "A")
    assert (answer.text, answer.cut_short) == ("From what I have: 42.", "quorum")


async def test_a_call_that_hangs_in_research_leaves_time_to_write(fuse: Fuse, docs: str) -> None:
    def member(seen: Seen) -> Reply:
        if not seen.tool_results:
            return LOOK
        return hang() if seen.tool_names else text("In short, 42 [A1].")

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs, deadline_s=6))
    answer = fused.result.answers[0]
    assert (answer.text, answer.cut_short) == ("In short, 42 [A1].", "time")
    assert [call.error for call in fused.result.bill.calls if call.seat == "A"] == [
        None, "timeout", None,
    ]  # fmt: skip


# --- failures in mid-research


async def test_a_model_that_fails_in_mid_research_still_writes(fuse: Fuse, docs: str) -> None:
    broken = status(400, body={"error": {"message": "cannot parse the tool call"}})

    def member(seen: Seen) -> Reply:
        if not seen.tool_results and "I looked it up" not in seen.text:
            return LOOK
        return broken if seen.tool_names else text("In short, 42 [A1].")

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs))
    answer = fused.result.answers[0]
    assert (answer.text, answer.status) == ("In short, 42 [A1].", "ok")
    assert answer.cut_short == "upstream_error"
    assert fused.result.degraded == ("research_cut_short",)


async def test_a_fallback_goes_on_from_the_transcript(fuse: Fuse, docs: str) -> None:
    def member(seen: Seen) -> Reply:
        return status(402) if seen.tool_results else LOOK

    script = cast({A: member, "m/spare": text("Spare: 42 [A1].")})
    panel = [{"model": A, "fallbacks": ["m/spare"]}, B]
    fused = await fuse(script, settings(panel=panel, tools=["docs"], docs=docs))
    assert fused.result.answers[0].text == "Spare: 42 [A1]."
    assert fused.server.seen_by("m/spare")[0].tool_results


# --- tools a model cannot take


async def test_a_model_that_takes_no_tools_goes_on_without(fuse: Fuse, docs: str) -> None:
    def member(seen: Seen) -> Reply:
        return TAKES_NONE if seen.tool_names else text("From memory: 42.")

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs))
    answer = fused.result.answers[0]
    assert (answer.text, answer.without_tools, answer.switches) == ("From memory: 42.", True, ())
    assert fused.result.degraded == ("tools_unsupported",)
    assert len(fused.server.seen_by(A)) == 2


async def test_a_fallback_without_tools_reads_the_transcript_in_words(
    fuse: Fuse, docs: str
) -> None:
    def member(seen: Seen) -> Reply:
        return status(402) if seen.tool_results else LOOK

    def spare(seen: Seen) -> Reply:
        return TAKES_NONE if seen.tool_names else text("In short, 42 [A1].")

    panel = [{"model": A, "fallbacks": ["m/spare"]}, B]
    script = cast({A: member, "m/spare": spare})
    fused = await fuse(script, settings(panel=panel, tools=["docs"], docs=docs))
    assert fused.result.answers[0].text == "In short, 42 [A1]."
    last = fused.server.seen_by("m/spare")[-1]
    assert {message["role"] for message in last.messages} == {"system", "user", "assistant"}
    assert '<source id="A1"' in last.text


NO_CHOICE = status(
    404, body={"error": {"message": "No endpoints found that support that 'tool_choice'"}}
)


@pytest.mark.parametrize("after_a_fault", [False, True], ids=["at the end", "after a fault"])
@pytest.mark.parametrize("takes_none", [True, False], ids=["tool_choice none", "without"])
@pytest.mark.parametrize("insists", [True, False], ids=["insists on tools", "does not insist"])
async def test_the_last_turn_is_sent_as_the_provider_takes_it(
    fuse: Fuse, docs: str, takes_none: bool, insists: bool, after_a_fault: bool
) -> None:
    """With tools that must not be called, else without tools, else in words."""

    def member(seen: Seen) -> Reply:
        if seen.tool_names:
            return LOOK if not seen.tool_results else text("", refusal="No.")
        if "tool_choice" in seen.body:
            return text("In short, 42 [A1].") if takes_none else NO_CHOICE
        return INSISTS if seen.tool_results and insists else text("In short, 42 [A1].")

    given = settings(tools=["docs"], docs=docs, max_tool_calls=3 if after_a_fault else 1)
    fused = await fuse(cast({A: member}), given)
    assert fused.result.answers[0].text == "In short, 42 [A1]."
    last = fused.server.seen_by(A)[-1]
    with_tools = takes_none and (insists or not after_a_fault)
    assert ("tools" in last.body) == ("tool_choice" in last.body) == with_tools
    assert bool(last.tool_results) == (takes_none or not insists)


# --- loops


async def test_a_loop_is_noticed_and_told_to_the_model(fuse: Fuse, docs: str) -> None:
    def member(seen: Seen) -> Reply:
        if any("this very call" in result for result in seen.tool_results):
            return text("Enough: 42 [A1].")
        return LOOK

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs))
    answer = fused.result.answers[0]
    assert (answer.text, answer.tool_calls, answer.cut_short) == ("Enough: 42 [A1].", 3, None)
    assert fused.told("member.loop")[0]["times"] == 3


async def test_who_goes_on_looping_has_to_write_long_before_the_budget_is_gone(
    fuse: Fuse, docs: str
) -> None:
    def member(seen: Seen) -> Reply:
        return LOOK if seen.tool_names else text("Well: 42 [A1].")

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs, max_tool_calls=90))
    answer = fused.result.answers[0]
    assert (answer.text, answer.cut_short) == ("Well: 42 [A1].", "tool_loop")
    assert answer.tool_calls == 5


async def test_who_calls_tools_in_its_last_turn_is_shown_none_in_the_transcript(
    fuse: Fuse, docs: str
) -> None:
    def member(seen: Seen) -> Reply:
        return LOOK if seen.tool_names or seen.tool_results else text("Well: 42 [A1].")

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs, max_tool_calls=1))
    assert fused.result.answers[0].text == "Well: 42 [A1]."


# --- a context that is too long


async def test_tool_results_are_shortened_until_the_context_fits(fuse: Fuse) -> None:
    def member(seen: Seen) -> Reply:
        size = sum(map(len, seen.tool_results))
        if size > 30_000:
            return TOO_LONG
        count = len(seen.tool_results)
        return tool_calls([("long_lookup", {"query": f"{count}"})]) if count < 3 else text("42.")

    fused = await fused_with(fuse, member, [long_lookup])
    answer = fused.result.answers[0]
    assert (answer.text, answer.status, answer.switches) == ("42.", "ok", ())
    assert answer.shortened == 2
    assert fused.result.degraded == ("context_compacted",)
    last = fused.server.seen_by(A)[-1]
    assert "characters left out" in last.tool_results[0], "the oldest first"
    assert "characters left out" not in last.tool_results[-1]
    assert fused.told("context.compacted")


async def test_what_still_does_not_fit_is_answered_without_tools(fuse: Fuse) -> None:
    def member(seen: Seen) -> Reply:
        if not seen.tool_results:
            return tool_calls([("long_lookup", {"query": "x"})])
        return TOO_LONG if seen.tool_names else text("42.")

    fused = await fused_with(fuse, member, [long_lookup])
    answer = fused.result.answers[0]
    assert (answer.text, answer.cut_short) == ("42.", "context_too_long")
    assert set(fused.result.degraded) == {"context_compacted", "research_cut_short"}


async def test_what_never_fits_is_said_so(fuse: Fuse) -> None:
    def member(seen: Seen) -> Reply:
        return TOO_LONG if seen.tool_results else tool_calls([("long_lookup", {"query": "x"})])

    fused = await fused_with(fuse, member, [long_lookup])
    failed = fused.result.failed_members[0]
    assert (failed.reason, failed.status_code) == ("context_too_long", 400)
    assert len(fused.server.seen_by(A)) < 10


async def test_a_call_without_a_name_is_that_of_the_tool_it_fits_or_is_said_to_have_none(
    fuse: Fuse,
) -> None:
    def member(seen: Seen) -> Reply:
        if not seen.tool_results:
            return tool_calls([("", {"what": "fusion"})])
        return text("In short, 42.") if len(seen.tool_results) > 1 else long

    long = tool_calls([("", {"query": "fusion"})])
    fused = await fused_with(fuse, member, [long_lookup])
    assert fused.result.answers[0].status == "ok"
    told, found = fused.server.seen_by(A)[-1].tool_results
    assert told.startswith("The call had no name. Tools: long_lookup.")
    assert found.startswith("About fusion")


@pytest.mark.parametrize("finish", ["tool_calls", "function_call", "tool_use"])
async def test_a_remark_whose_call_was_lost_on_the_way_is_no_answer(
    fuse: Fuse, docs: str, finish: str
) -> None:
    said = iter([text("Let me look that up.", finish_reason=finish), LOOK, text("It is 42 [A1].")])

    def member(seen: Seen) -> Reply:
        return next(said)

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs))
    answer = next(one for one in fused.result.answers if one.seat == "A")
    assert answer.text == "It is 42 [A1]."
    calls = [call.error for call in fused.result.bill.calls if call.seat == "A"]
    assert calls == ["bad_response", None, None]


async def test_where_no_call_can_be_made_the_word_for_one_ends_an_answer(fuse: Fuse) -> None:
    odd = text("It is 42.", finish_reason="function_call")
    fused = await fuse(cast({A: odd}), settings(tools=[]))
    answer = next(one for one in fused.result.answers if one.seat == "A")
    assert (answer.text, answer.status) == ("It is 42.", "ok")
