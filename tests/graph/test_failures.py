"""The failure table of the design: what happens, what the run does, how it is reported."""

from typing import Any

import pytest

from langgraph_fusion.graph.errors import AllMembersFailed, ConfigError
from tests.graph.cast import JUDGE, WRITER, A, B, C, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import (
    Reply,
    Seen,
    broken_stream,
    garbage,
    hang,
    in_turn,
    status,
    structured,
    text,
    tool_calls,
    upstream_error,
)

REFUSES = text("", refusal="I can't help with that.")


async def test_some_members_fail_and_the_run_goes_on(fuse: Fuse) -> None:
    script = cast({A: status(401, body={"error": {"message": "bad key sk-or-secret-key"}})})
    fused = await fuse(script, settings())
    failed = fused.result.failed_members[0]
    assert (failed.seat, failed.reason, failed.status_code) == ("A", "unauthorized", 401)
    assert "secret" not in failed.detail
    assert failed.detail.startswith("check OPENROUTER_API_KEY (bad key")
    assert [seat.status for seat in fused.result.panel] == ["failed", "ok", "ok"]
    assert '<failed seat="A">' in fused.server.seen_by(JUDGE)[0].last
    assert fused.result.answer == "Done."


async def test_one_answer_is_no_shortcut_past_the_judge(fuse: Fuse) -> None:
    script = cast({A: status(404), B: status(402)}, analysis={"best_answer": "C"})
    fused = await fuse(script, settings())
    assert len(fused.server.seen_by(JUDGE)) == 1
    assert [one.reason for one in fused.result.failed_members] == [
        "invalid_model",
        "insufficient_credits",
    ]


@pytest.mark.parametrize(
    ("code", "reason"),
    [(402, "insufficient_credits"), (404, "all_panels_failed")],
)
async def test_a_panel_that_fails_as_a_whole_stops_the_run(
    fuse: Fuse, code: int, reason: str
) -> None:
    with pytest.raises(AllMembersFailed) as caught:
        await fuse(cast({A: status(code), B: status(404), C: status(404)}), settings())
    assert caught.value.reason == reason
    assert {one.seat for one in caught.value.failed} == {"A", "B", "C"}
    assert "m/b" in str(caught.value)


async def test_fewer_answers_than_asked_for_stop_the_run(fuse: Fuse) -> None:
    with pytest.raises(AllMembersFailed, match="fewer than 3"):
        await fuse(cast({A: status(404)}), settings(min_answers=3))


async def test_a_fallback_model_takes_the_seat_and_is_named(fuse: Fuse) -> None:
    panel = [{"model": A, "fallbacks": ["m/spare"]}, B]
    script = cast({A: status(404), "m/spare": text("Spare says 42.")})
    fused = await fuse(script, settings(panel=panel))
    answer = fused.result.answers[0]
    assert answer.model == "openrouter:m/spare"
    assert [(one.model, one.reason) for one in answer.switches] == [
        (f"openrouter:{A}", "invalid_model")
    ]
    assert fused.result.panel[0].model == f"openrouter:{A}"


async def test_a_passing_fault_is_retried_and_every_attempt_is_billed(fuse: Fuse) -> None:
    script = cast({A: in_turn(status(503), text("Alpha says 42."))})
    fused = await fuse(script, settings())
    assert fused.result.answers[0].status == "ok"
    calls = [call for call in fused.result.bill.calls if call.seat == "A"]
    assert [call.error for call in calls] == ["upstream_error", None]
    assert calls[0].cost_usd == 0, "the router charges nothing for an error of its own"
    assert fused.told("model.retry")[0]["reason"] == "upstream_error"


@pytest.mark.parametrize(
    "reply",
    [upstream_error(), garbage(), broken_stream("Half a"), text("")],
    ids=["upstream", "html", "broken", "empty"],
)
async def test_no_error_passes_as_an_answer(fuse: Fuse, reply: Reply) -> None:
    fused = await fuse(cast({A: reply}), settings())
    assert fused.result.answers[0].status == "failed" or "Half" not in fused.result.answers[0].text
    assert fused.result.answer == "Done."


async def test_a_refusal_is_recognised(fuse: Fuse) -> None:
    fused = await fuse(cast({A: REFUSES}), settings())
    assert fused.result.failed_members[0].reason == "refused"


async def test_a_truncated_answer_is_kept_and_flagged(fuse: Fuse) -> None:
    fused = await fuse(cast({A: text("Alpha says", finish_reason="length")}), settings())
    assert fused.result.answers[0].truncated
    assert fused.result.answers[0].text == "Alpha says"
    assert 'status="truncated"' in fused.server.seen_by(JUDGE)[0].last


async def test_leaked_tool_markup_is_no_part_of_an_answer(fuse: Fuse) -> None:
    said = "It is 42, as every table of the last census has it. " * 12
    leaked = f'{said}\n<tool_call>{{"name": "web_search", "arguments": {{}}}}</tool_call>'
    fused = await fuse(cast({A: text(leaked)}), settings())
    assert fused.result.answers[0].text == said.strip()


async def test_a_member_that_hangs_is_cut_off_at_the_deadline(fuse: Fuse) -> None:
    fused = await fuse(cast({A: hang()}), settings(deadline_s=4))
    assert fused.result.failed_members[0].reason in ("deadline", "timeout")
    assert fused.result.answer == "Done."


# --- the judge


async def test_a_judge_that_speaks_garbage_three_times_leaves_the_raw_answers(fuse: Fuse) -> None:
    fused = await fuse(cast({JUDGE: text("No idea, sorry about that one.")}), settings())
    assert len(fused.server.seen_by(JUDGE)) == 3
    assert fused.result.degraded == ("judge_brief", "judge_not_valid_json")
    assert fused.result.analysis is None
    assert fused.result.answer == "Done."
    assert "Alpha says 42." in fused.server.seen_by(WRITER)[0].last


async def test_a_judge_is_told_its_exact_errors(fuse: Fuse) -> None:
    wrong = {"consensus": [{"claim": "x", "seats": ["Z"], "sources": ["A9"]}], "best_answer": "Q"}
    script = cast({JUDGE: in_turn(structured(wrong), structured({"best_answer": "A"}))})
    fused = await fuse(script, settings())
    told = fused.server.seen_by(JUDGE)[1].last
    assert "'Z' was not shown" in told
    assert "'A9' was not shown" in told
    assert "best_answer" in told
    assert fused.result.degraded == ()


@pytest.mark.parametrize(
    "sloppy",
    [
        'Here you are:\n```json\n{"best_answer": "Seat B", "consensus": [],}\n```',
        '<think>hm</think>{"best_answer": "[B]", "blind_spots": [{"gap": "cost"}]',
    ],
)
async def test_a_sloppy_judge_is_understood(fuse: Fuse, sloppy: str) -> None:
    fused = await fuse(cast({JUDGE: text(sloppy)}), settings())
    assert fused.result.analysis is not None
    assert fused.result.analysis.best_answer == "B"
    assert len(fused.server.seen_by(JUDGE)) == 1


async def test_a_fallback_judge_takes_over_and_is_named(fuse: Fuse) -> None:
    script = cast({JUDGE: status(500), "j/spare": structured({"best_answer": "A"})})
    fused = await fuse(script, settings(judge={"model": JUDGE, "fallbacks": ["j/spare"]}))
    assert fused.result.judged_by == "openrouter:j/spare"
    assert fused.result.degraded == ("judge_switched",)


async def test_a_judge_without_response_format_is_asked_in_words(fuse: Fuse) -> None:
    def judge(seen: Seen) -> Reply:
        refusal: dict[str, Any] = {"error": {"message": "response_format is not supported"}}
        return status(400, body=refusal) if seen.wants_json else text('{"best_answer": "A"}')

    fused = await fuse(cast({JUDGE: judge}), settings())
    assert fused.result.analysis is not None
    assert fused.result.degraded == ()


# --- the writer


async def test_a_truncated_text_is_continued(fuse: Fuse) -> None:
    script = cast({WRITER: in_turn(text("It is ", finish_reason="length"), text("42."))})
    fused = await fuse(script, settings())
    assert fused.result.answer == "It is 42."
    assert fused.result.degraded == ()


async def test_a_text_that_stays_truncated_says_so(fuse: Fuse) -> None:
    fused = await fuse(cast({WRITER: text("more ", finish_reason="length")}), settings())
    assert fused.result.degraded == ("synthesizer_truncated",)
    assert fused.result.answer == "more more more more"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (text(""), "synthesizer_empty"),
        (REFUSES, "synthesizer_refused"),
        (status(500), "synthesizer_upstream_error"),
    ],
    ids=["empty", "refused", "down"],
)
async def test_without_a_writer_the_best_answer_is_returned(
    fuse: Fuse, reply: Reply, code: str
) -> None:
    fused = await fuse(cast({WRITER: reply}, analysis={"best_answer": "B"}), settings())
    assert fused.result.answer == "Beta says 42."
    assert fused.result.written_by == "seat B"
    assert fused.result.degraded == (code,)
    assert "seat B" in fused.result.notes[0]


async def test_a_fallback_writer_starts_with_an_empty_page(fuse: Fuse) -> None:
    script = cast({WRITER: broken_stream("Half of an answer that"), "w/spare": text("Whole.")})
    fused = await fuse(script, settings(synthesizer={"model": WRITER, "fallbacks": ["w/spare"]}))
    assert fused.result.answer == "Whole."
    assert fused.result.written_by == "openrouter:w/spare"
    assert fused.result.degraded == ("synthesizer_switched",)


# --- tools


def _loops(seen: Seen) -> Reply:
    return tool_calls([("docs_search", {"query": "fusion"})])


async def test_an_endless_tool_loop_ends_in_a_recorded_failure(fuse: Fuse, docs: str) -> None:
    fused = await fuse(cast({A: _loops}), settings(tools=["docs"], docs=docs, max_tool_calls=3))
    answer = fused.result.answers[0]
    assert answer.error is not None
    assert answer.error.reason == "tool_loop"
    assert answer.tool_calls == 3
    assert answer.status == "partial", "it had found sources by then"
    last = fused.server.seen_by(A)[-1]
    assert last.tool_names == []
    assert "No tools remain" in last.last


@pytest.mark.parametrize(
    "arguments",
    ['{"query": "fusion', '"{\\"query\\": \\"fusion\\"}"', "{'query': 'fusion'}"],
    ids=["cut off", "encoded twice", "single quotes"],
)
async def test_malformed_tool_arguments_are_mended(fuse: Fuse, docs: str, arguments: str) -> None:
    def member(seen: Seen) -> Reply:
        if seen.tool_results:
            return text("Found [A1].")
        return tool_calls([("docs_search", arguments)])

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs))
    assert '<source id="A1"' in fused.server.seen_by(A)[1].tool_results[0]
    assert fused.result.answers[0].cited == ("A1",)


@pytest.mark.parametrize(
    ("call", "told"),
    [(("browse", {"url": "x"}), "docs_search"), (("docs_search", "nonsense"), "query")],
    ids=["unknown tool", "no arguments"],
)
async def test_a_wrong_tool_call_is_explained_to_the_model(
    fuse: Fuse, docs: str, call: tuple[str, Any], told: str
) -> None:
    def member(seen: Seen) -> Reply:
        return text("Without it, then.") if seen.tool_results else tool_calls([call])

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs))
    assert told in fused.server.seen_by(A)[1].tool_results[0]
    assert fused.result.answers[0].status == "ok"
    assert fused.result.answers[0].tool_errors == 1


async def test_what_a_member_learned_before_its_model_failed_is_kept(fuse: Fuse, docs: str) -> None:
    def member(seen: Seen) -> Reply:
        if seen.tool_results:
            return status(404)
        return tool_calls([("docs_search", {"query": "fusion"})], content="Looking at fusion.")

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=docs))
    answer = fused.result.answers[0]
    assert answer.status == "partial"
    assert "Looking at fusion." in answer.text
    assert "[A1]" in answer.text


# --- settings


async def test_a_missing_key_is_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from langgraph_fusion.graph.api import aask

    with pytest.raises(ConfigError, match="OPENROUTER_API_KEY"):
        await aask("?", settings())


async def test_a_run_needs_a_question(fuse: Fuse) -> None:
    with pytest.raises(ConfigError, match="user message"):
        await fuse(cast(), settings(), "  ")
