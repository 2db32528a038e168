import io
from typing import Any

import pytest
from rich.console import Console

from langgraph_fusion.cli.display.live_view import TAIL_CHARS, frame
from langgraph_fusion.cli.display.model import RunView
from langgraph_fusion.cli.display.reducer import apply_event
from langgraph_fusion.cli.display.result import print_rich
from langgraph_fusion.cli.display.widgets import markdown
from tests.cli import recorded
from tests.cli.display.test_reducer import view_after
from tests.models.test_text import HOSTILE

SIZES = [(60, 24), (100, 40), (200, 60), (40, 8), (20, 3)]


def drawn(view: RunView, width: int, height: int, now: float = 130.0) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    lines = frame(view, now, console, width, height)
    return ["".join(segment.text for segment in line) for line in lines]


def ended(view: RunView, width: int = 100, *, quiet: bool = False, **options: Any) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, markup=False, emoji=False, highlight=False, **options)
    assert view.result is not None
    print_rich(console, view, view.result, quiet=quiet)
    return file.getvalue()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("events", range(1, len(recorded.whole_run()), 3))
def test_every_frame_fits_the_terminal(events: int, width: int, height: int) -> None:
    lines = drawn(view_after(recorded.whole_run()[:events]), width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width


def test_a_row_shows_model_tool_calls_tokens_cost_and_seconds() -> None:
    row = drawn(view_after(recorded.first_round()[:6]), 100, 40, now=111.0)[1]
    assert " ".join(row.split()) == (
        "A vendor/one web_search fish census lake 1 12.0k 800 $0.0125 10s"
    )


def test_on_sixty_columns_every_figure_is_still_there() -> None:
    lines = drawn(view_after(recorded.first_round()[:6]), 60, 24, now=111.0)
    assert lines[1].split()[:3] == ["A", "one", "web_search"]
    assert lines[1].split()[-4:] == ["1", "12.0k/800", "$0.0125", "10s"]


def test_an_unknown_cost_shows_as_a_question_mark() -> None:
    assert " ? " in drawn(view_after(recorded.first_round()), 100, 40)[2]


def test_findings_and_follow_ups_are_shown_while_the_panel_is_asked_again() -> None:
    events = [*recorded.first_round(), *recorded.judged(), *recorded.follow_up_round()[:2]]
    text = "\n".join(drawn(view_after(events), 100, 40))
    assert "conflict number of fish (open)" in text
    assert "asked    A and B: Which census gives the number" in text


def test_the_end_of_a_tall_answer_stays_in_view() -> None:
    view = view_after(recorded.before_the_end()[:-2])
    for number in range(300):
        view = apply_event(view, {"type": "writer.delta", "text": f"\n\nParagraph {number}."}, 0.0)
    lines = drawn(view, 80, 24)
    assert len(lines) <= 24
    assert lines[-1].strip() == "Paragraph 299."
    assert lines[0].split()[0] == "model"


def test_of_a_very_long_draft_only_the_end_is_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    delta = {"type": "writer.delta", "text": "A paragraph of **some** length.\n\n" * 10_000}
    view = apply_event(view_after(recorded.before_the_end()), delta, 0.0)
    console = Console(file=io.StringIO(), width=100, height=40)
    laid_out = 0
    render = console.render

    def counted(*given: Any) -> Any:
        nonlocal laid_out
        for segment in render(*given):
            laid_out += len(segment.text)
            yield segment

    monkeypatch.setattr(console, "render", counted)
    frame(view, 0.0, console, 100, 40)
    assert 0 < laid_out < 20 * TAIL_CHARS


def test_a_code_block_that_began_above_the_view_stays_code() -> None:
    page = "```python\n" + "\n\n".join(f"line_{number} = '**not bold**'" for number in range(900))
    view = apply_event(
        view_after(recorded.first_round()), {"type": "writer.delta", "text": page}, 0.0
    )
    assert "line_899 = '**not bold**'" in drawn(view, 80, 24)[-2]


def test_what_stays_on_the_screen_is_panel_findings_answer_sources_and_one_last_line() -> None:
    text = ended(view_after(recorded.whole_run()))
    order = [
        "vendor/one", "agree", "4,200 fish [1].", "[1] Census", "https://lake.example/census",
        "cost unknown ($0.0375 known, 1 call without a price) · 42s · 1 follow-up round · 1 of 9",
        "! Seat B: vendor/spare takes no tools and had none.",
        "! C (c/three) gave no whole answer: its provider limits requests: slow down",
    ]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_what_casts_doubt_on_the_answer_stands_above_it() -> None:
    text = ended(view_after(recorded.whole_run(warnings=["The answer cites no source."])))
    assert text.index("! The answer cites no source.") < text.index("4,200 fish")


def test_quiet_leaves_only_the_answer_and_its_sources() -> None:
    text = ended(view_after(recorded.whole_run()), quiet=True)
    assert " ".join(text.split()) == (
        "The lake holds 4,200 fish [1]. [1] Census https://lake.example/census"
    )


def test_an_analysis_without_an_answer_is_shown_without_a_page() -> None:
    text = ended(view_after(recorded.whole_run(answer="", mode="analysis", sources=[])))
    assert "number of fish (resolved)" in text
    assert "─" not in text


def test_without_colours_only_text_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = ended(view_after(recorded.whole_run()), force_terminal=True)
    assert "\x1b[3" not in text.replace("\x1b[3m", "")


def hostile_run() -> list[dict[str, Any]]:
    """A run in which everything that comes from outside tries to write to the terminal."""
    rude = f"[bold red]{HOSTILE}[/] :fish: &#27;[2J &#x202e;"
    events = recorded.whole_run(answer=f"{rude}\n\n[{rude}](https://x.example/\x1b]0;t\x07)\n")
    return [_spoiled(event, rude) for event in events]


def _spoiled(value: Any, rude: str, key: str = "") -> Any:
    free = {"model", "input", "summary", "text", "reason", "detail", "claim", "topic", "stance",
            "gap", "why", "question", "title", "url", "point", "insight", "resolution"}  # fmt: skip
    if isinstance(value, dict):
        return {name: _spoiled(item, rude, name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spoiled(item, rude, key) for item in value]
    return f"{value} {rude}" if key in free and isinstance(value, str) else value


@pytest.mark.parametrize("width", [60, 100])
def test_nothing_from_outside_reaches_the_terminal_as_a_command(width: int) -> None:
    view = view_after(hostile_run())
    shown = ended(view, width) + "".join(drawn(view, width, 60))
    for byte in "\x1b\x07\x08\x9b\x7f\r\u202e\u2066":
        assert byte not in shown
    assert "[bold red]" in shown
    assert ":fish:" in shown


def test_on_a_colour_terminal_only_our_own_sequences_are_printed() -> None:
    text = ended(view_after(hostile_run()), force_terminal=True, color_system="standard")
    for sequence in ("\x1b]0;", "\x1bc", "\x1b[2J", "\x07", "\x9b", "\u202e"):
        assert sequence not in text


def test_links_to_the_web_are_links_and_other_addresses_are_not() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80)
    console.print(markdown("[one](https://x.example/a) [two](javascript:x) [three](notes/a.md)"))
    assert "https://x.example/a" in file.getvalue()
    assert "notes/a.md" not in file.getvalue()
    assert file.getvalue().count("\x1b]8;id=") == 1
