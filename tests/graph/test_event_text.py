"""The sentences themselves are read in `tests/cli/display/test_lines.py`, over a whole run."""

from langgraph_fusion.graph.event_text import analysis_summary, event_lines
from tests.cli import recorded


def test_the_summary_counts_in_one_line() -> None:
    assert analysis_summary(recorded.ANALYSIS, [recorded.FOLLOW_UP]) == (
        "1 agreement, 1 conflict (open), 1 gap, 1 suspect claim; 1 follow-up sent"
    )
    two = [{"status": "resolved"}, {"status": "contested"}]
    assert analysis_summary({"contradictions": two}) == (
        "0 agreements, 2 conflicts (1 resolved, 1 contested), 0 gaps"
    )
    assert analysis_summary({}) == "0 agreements, 0 conflicts, 0 gaps"


def test_an_event_of_a_later_version_says_nothing() -> None:
    assert list(event_lines({"type": "member.dreamt", "seat": "A"})) == []


def test_calls_are_told_only_when_verbose() -> None:
    call = recorded.call("judge", "vendor/judge")
    assert list(event_lines(call)) == []
    assert list(event_lines(call, verbose=True)) == [
        "judge model call: 12.0k in, 800 out, $0.0125, 4.2s"
    ]
