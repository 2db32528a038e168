"""What the line of keys says and does, without a terminal and without a run."""

from dataclasses import dataclass, field

import pytest

from langgraph_fusion import Steering
from langgraph_fusion.cli.display.keys import BACKSPACE, CLEAR, ENTER, ESCAPE
from langgraph_fusion.cli.display.model import RunView
from langgraph_fusion.cli.display.steering_line import ERROR_S, SteeringLine
from langgraph_fusion.graph.calls.budget import Budget
from tests.cli import recorded
from tests.cli.display.test_reducer import view_after

ALL = "a answer now  ·  s stop a member  ·  f one more round on …  ·  b raise the spend cap of $0.5"


@dataclass
class Line:
    """The line of a run with three members and, if not told otherwise, a judge and a cap."""

    cap_usd: float | None = 0.5
    judged: bool = True
    now: float = 0.0
    view: RunView = field(default_factory=lambda: view_after(recorded.first_round()))

    def __post_init__(self) -> None:
        self.steering = Steering()
        self.steering.open("ABC", Budget(self.cap_usd), judged=self.judged)
        self._line = SteeringLine(self.steering, lambda: self.now)

    def press(self, *keys: str) -> None:
        for key in keys:
            self._line.press(key, self.view)

    def shown(self, width: int = 120) -> list[str]:
        return [text.plain for text in self._line.lines(self.view, width)]


def test_the_keys_that_mean_something_are_named() -> None:
    assert Line().shown() == [ALL]
    assert Line(cap_usd=None).shown() == [ALL.rpartition("  ·  ")[0]]


def test_a_narrow_screen_has_them_in_short() -> None:
    assert Line().shown(60) == ["a answer  ·  s stop  ·  f follow up  ·  b spend cap"]


def test_before_the_run_has_begun_no_key_does_anything() -> None:
    line = Line(view=RunView())
    line.press("a", "s", "f", "b")
    assert line.shown() == []
    assert not line.steering.answering_now


def test_what_was_asked_for_stays_on_the_screen_the_latest_first() -> None:
    line = Line()
    line.press("s", "b", "f", *"Why?", ENTER, "b", *"2", ENTER, "a")
    asked = "asked for: answer now; spend up to $2; one more round on “Why?”; stop B"
    assert line.shown() == [asked, "s stop a member  ·  b raise the spend cap of $2"]
    assert (line.steering.unasked, line.steering.budget_usd) == (["Why?"], 2.0)


def test_a_wrong_letter_is_told_and_the_next_one_counts() -> None:
    line = Line()
    line.press("s", "z")
    assert line.shown() == ["there is no seat 'Z'; the seats are A, B, C"]
    line.press("C")
    assert line.shown()[0] == "asked for: stop C"


def test_an_error_goes_away_by_itself_and_what_was_typed_is_still_there() -> None:
    line = Line()
    line.press("b", *"0.2", ENTER)
    assert line.shown() == ["the spend cap is $0.5 already"]
    line.now += ERROR_S + 1
    assert line.shown()[0].startswith("spend up to, in US dollars (now 0.5): 0.2")


@pytest.mark.parametrize("typed", ["", "much", "nan", "inf", "1e999", "1,5", "-2"])
def test_what_is_no_amount_raises_nothing(typed: str) -> None:
    line = Line()
    line.press("b", *typed, ENTER)
    assert line.steering.budget_usd == 0.5
    assert "spend cap" in line.shown()[0] or "US dollars" in line.shown()[0]


def test_escape_leaves_each_entry_and_nothing_was_asked() -> None:
    line = Line()
    for key in "sfb":
        line.press(key, ESCAPE)
        assert line.shown() == [ALL]
    line.press("f", *"abandoned", ESCAPE, "f", *"kept", ENTER)
    assert line.steering.unasked == ["kept"]


def test_a_typed_line_can_be_corrected() -> None:
    line = Line()
    line.press("f", *"Whx", BACKSPACE, *"y?", ENTER, "f", *"gone", CLEAR, *"How?", ENTER)
    assert line.steering.unasked == ["Why?", "How?"]


def test_of_a_long_line_the_end_is_shown() -> None:
    line = Line()
    line.press("f", *("字" * 200), *"the end")
    (shown,) = line.shown(60)
    assert "the end" in shown
    assert len(shown) < 60


def test_an_empty_question_is_not_asked() -> None:
    line = Line()
    line.press("f", ENTER)
    assert line.shown() == ["the question is empty"]


def test_without_a_judge_no_round_is_offered() -> None:
    view = view_after(recorded.first_round())
    seats = {name: seat for name, seat in view.seats.items() if name != "judge"}
    line = Line(judged=False, view=RunView(seats=seats))
    line.press("f")
    assert line.shown() == [ALL.replace("f one more round on …  ·  ", "")]


def test_when_the_answer_is_being_written_a_key_says_that_it_is_too_late() -> None:
    line = Line(cap_usd=None)
    line.steering.close("the answer is being written already")
    assert line.shown() == []
    line.press("a")
    assert line.shown() == ["the answer is being written already"]
    line.press("x")
    assert line.shown() == []
