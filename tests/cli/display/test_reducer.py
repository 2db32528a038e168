from typing import Any

from langgraph_fusion.cli.display.model import RunView
from langgraph_fusion.cli.display.reducer import apply_event
from tests.cli import recorded


def view_after(events: list[dict[str, Any]], started: float = 100.0) -> RunView:
    """The view once every event has happened, one a second."""
    view = RunView()
    for second, event in enumerate(events):
        view = apply_event(view, event, started + second)
    return view


def test_every_seat_has_a_row_in_panel_order() -> None:
    view = view_after(recorded.first_round()[:1])
    assert list(view.seats) == ["A", "B", "C", "judge", "synthesizer"]
    assert {row.status for row in view.seats.values()} == {"waiting"}


def test_a_row_shows_the_tool_that_runs_and_its_input() -> None:
    events = recorded.first_round()[:6]
    row = view_after(events).seats["A"]
    assert (row.status, list(row.tools.values())) == ("tool", ["web_search fish census lake"])
    assert row.tool_calls == 1


def test_of_two_parallel_tools_one_goes_on_when_the_other_is_done() -> None:
    second = recorded.tool("A", "t2", "bash", "ls")
    done = {**second, "type": "member.tool_done", "ok": True, "seconds": 1.0, "summary": ""}
    row = view_after([*recorded.first_round()[:6], second, done]).seats["A"]
    assert (row.status, list(row.tools.values())) == ("tool", ["web_search fish census lake"])


def test_a_retry_and_a_switch_of_model_are_shown_with_their_reason() -> None:
    view = view_after(recorded.first_round()[:9])
    assert view.seats["C"].status == "retrying"
    assert "its provider limits requests" in view.seats["C"].note
    assert view.seats["B"].model == "vendor/spare"
    assert "outage" in view.seats["B"].note


def test_tokens_and_costs_add_up_by_seat_and_an_unknown_cost_is_kept_apart() -> None:
    view = view_after([*recorded.first_round(), recorded.call("A", "vendor/one")])
    assert (view.seats["A"].input_tokens, view.seats["A"].output_tokens) == (24_000, 1_600)
    assert view.seats["A"].known_cost == 0.025
    assert view.seats["A"].cost_known
    assert not view.seats["B"].cost_known
    assert len(view.calls) == 3


def test_a_clock_runs_while_a_member_works_and_adds_up_over_rounds() -> None:
    events = recorded.first_round()
    working = view_after(events[:4])
    assert working.seats["A"].seconds(now=111.0) == 10.0
    finished = view_after(events)
    assert finished.seats["A"].seconds(now=1e9) == 9.0
    again = view_after(recorded.before_the_end())
    assert again.seats["A"].seconds(now=1e9) == 12.0


def test_a_failed_member_says_why() -> None:
    row = view_after(recorded.first_round()).seats["C"]
    assert (row.status, row.note) == ("failed", "its provider limits requests: slow down")


def test_the_last_analysis_counts_and_follow_ups_are_kept() -> None:
    view = view_after(recorded.before_the_end())
    assert view.analysis is not None
    assert view.analysis["contradictions"][0]["status"] == "resolved"
    assert [one["id"] for one in view.follow_ups] == ["F1"]
    assert view.round == 1


def test_a_judge_that_failed_leaves_a_reason() -> None:
    failed = {
        "type": "judge.finished",
        "round": 0,
        "analysis": None,
        "reason": "judge_schema_mismatch",
    }
    view = view_after([*recorded.first_round(), failed])
    assert (view.analysis, view.judge_error) == (
        None,
        "the judge's reply did not have the form that was asked for",
    )
    assert view.seats["judge"].status == "failed"


def test_a_second_writer_starts_with_an_empty_page() -> None:
    view = view_after(recorded.before_the_end())
    assert view.draft == "The lake holds **4,200** fish [A1]."
    assert view.seats["synthesizer"].model == "vendor/second"


def test_an_event_of_a_later_version_changes_nothing() -> None:
    view = view_after(recorded.first_round())
    assert apply_event(view, {"type": "member.dreamt", "seat": "A"}, 0.0) == view


def test_the_result_arrives_with_the_last_event() -> None:
    view = view_after(recorded.whole_run())
    assert view.result is not None
    assert view.result["answer"] == recorded.ANSWER
