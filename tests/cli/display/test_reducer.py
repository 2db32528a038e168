from typing import Any

from langgraph_fusion.cli.display.model import Board
from langgraph_fusion.cli.display.reducer import after
from tests.cli import recorded


def board_after(events: list[dict[str, Any]], started: float = 100.0) -> Board:
    """The board once every event has happened, one a second."""
    board = Board()
    for second, event in enumerate(events):
        board = after(board, event, started + second)
    return board


def test_every_seat_has_a_row_in_panel_order() -> None:
    board = board_after(recorded.first_round()[:1])
    assert list(board.rows) == ["A", "B", "C", "judge", "synthesizer"]
    assert {row.doing for row in board.rows.values()} == {"waiting"}


def test_a_row_shows_the_tool_that_runs_and_its_input() -> None:
    events = recorded.first_round()[:6]
    row = board_after(events).rows["A"]
    assert (row.doing, list(row.tools.values())) == ("tool", ["web_search fish census lake"])
    assert row.tool_calls == 1


def test_of_two_parallel_tools_one_goes_on_when_the_other_is_done() -> None:
    second = recorded.tool("A", "t2", "bash", "ls")
    done = {**second, "type": "member.tool_done", "ok": True, "seconds": 1.0, "summary": ""}
    row = board_after([*recorded.first_round()[:6], second, done]).rows["A"]
    assert (row.doing, list(row.tools.values())) == ("tool", ["web_search fish census lake"])


def test_a_retry_and_a_switch_of_model_are_shown_with_their_reason() -> None:
    board = board_after(recorded.first_round()[:9])
    assert board.rows["C"].doing == "retrying"
    assert "rate_limited" in board.rows["C"].note
    assert board.rows["B"].model == "vendor/spare"
    assert "outage" in board.rows["B"].note


def test_tokens_and_costs_add_up_by_seat_and_an_unknown_cost_is_kept_apart() -> None:
    board = board_after([*recorded.first_round(), recorded.call("A", "vendor/one")])
    assert (board.rows["A"].input_tokens, board.rows["A"].output_tokens) == (24_000, 1_600)
    assert board.rows["A"].known_cost == 0.025
    assert board.rows["A"].cost_known
    assert not board.rows["B"].cost_known
    assert len(board.calls) == 3


def test_a_clock_runs_while_a_member_works_and_adds_up_over_rounds() -> None:
    events = recorded.first_round()
    working = board_after(events[:4])
    assert working.rows["A"].seconds(now=111.0) == 10.0
    finished = board_after(events)
    assert finished.rows["A"].seconds(now=1e9) == 9.0
    again = board_after(recorded.before_the_end())
    assert again.rows["A"].seconds(now=1e9) == 12.0


def test_a_failed_member_says_why() -> None:
    row = board_after(recorded.first_round()).rows["C"]
    assert (row.doing, row.note) == ("failed", "rate_limited")


def test_the_last_analysis_counts_and_follow_ups_are_kept() -> None:
    board = board_after(recorded.before_the_end())
    assert board.analysis is not None
    assert board.analysis["contradictions"][0]["status"] == "resolved"
    assert [one["id"] for one in board.follow_ups] == ["F1"]
    assert board.round == 1


def test_a_judge_that_failed_leaves_a_reason() -> None:
    failed = {"type": "judge.finished", "round": 0, "analysis": None, "reason": "bad_reply"}
    board = board_after([*recorded.first_round(), failed])
    assert (board.analysis, board.judge_failed) == (None, "bad_reply")
    assert board.rows["judge"].doing == "failed"


def test_a_second_writer_starts_with_an_empty_page() -> None:
    board = board_after(recorded.before_the_end())
    assert board.page == "The lake holds **4,200** fish [A1]."
    assert board.rows["synthesizer"].model == "vendor/second"


def test_an_event_of_a_later_version_changes_nothing() -> None:
    board = board_after(recorded.first_round())
    assert after(board, {"type": "member.dreamt", "seat": "A"}, 0.0) == board


def test_the_result_arrives_with_the_last_event() -> None:
    board = board_after(recorded.whole_run())
    assert board.result is not None
    assert board.result["answer"] == recorded.ANSWER
