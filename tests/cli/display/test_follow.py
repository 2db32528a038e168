"""Signals, pipes and terminals, with a process of its own for each run."""

import json
import os
import signal
import subprocess
import termios
from pathlib import Path

import pytest

from tests.cli import recorded
from tests.cli.processes import REPLAY, ROOT, environment, in_terminal, run


def stopped(
    story: str, *options: str, number: signal.Signals, cleaned: Path
) -> tuple[int, str, str]:
    """Exit code and output of a run that got the signal once the judge had spoken."""
    process = subprocess.Popen(
        [*REPLAY, story, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment({"CLEANED": str(cleaned)}),
    )
    assert process.stderr is not None
    seen = ""
    while "judge: suspect" not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    process.send_signal(number)
    out, rest = process.communicate(timeout=30)
    return process.returncode, out, seen + rest


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_cleans_up_and_prints_what_was_learned(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    returned, out, err = stopped("hangs", number=number, cleaned=tmp_path / "c")
    assert returned == code
    assert (tmp_path / "c").read_text() == "cleaned"
    assert "## A (vendor/one)\n\nAnswer of A: 4,200 fish [A1]." in out
    assert "## What the judge found" in out
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("fusion: stopped by ")


def test_a_stopped_run_prints_json_when_asked_to(tmp_path: Path) -> None:
    returned, out, _ = stopped("hangs", "--json", number=signal.SIGINT, cleaned=tmp_path / "c")
    printed = json.loads(out)
    assert returned == 130
    assert printed["error"]["type"] == "stopped"
    assert [one["seat"] for one in printed["partial"]["answers"]] == ["A", "B", "C"]
    assert printed["partial"]["analysis"]["contradictions"][0]["id"] == "K1"
    assert len(printed["partial"]["calls"]) == 3


def test_a_second_ctrl_c_ends_a_clean_up_that_hangs() -> None:
    with in_terminal(*REPLAY, "stubborn") as command:
        before = termios.tcgetattr(command.master)
        command.read_until("answer now")
        command.read_until("number of fish (open)")
        assert termios.tcgetattr(command.master) != before
        command.process.send_signal(signal.SIGINT)
        command.read_until("once more quits")
        command.process.send_signal(signal.SIGINT)
        assert command.wait() == 130
        assert command.text.rstrip().endswith("\x1b[?25h")
        assert termios.tcgetattr(command.master) == before


def test_ctrl_c_in_a_terminal_leaves_the_answers_on_the_screen() -> None:
    with in_terminal(*REPLAY, "hangs") as command:
        command.read_until("number of fish (open)")
        os.write(command.master, b"\x03")
        assert command.wait() == 130
    last = command.text.rpartition("\x1b[?25h")[2]
    assert "Answer of A: 4,200 fish [A1]." in last
    assert "stopped by Ctrl-C" in last


def test_a_failed_run_says_why_and_prints_what_was_learned() -> None:
    ended = run(*REPLAY, "fails")
    assert ended.returncode == 1
    assert "Answer of A" in ended.stdout
    assert ended.stderr.splitlines()[-1] == "fusion: no member answered"


def test_a_failed_run_prints_json_when_asked_to() -> None:
    ended = run(*REPLAY, "fails", "--json")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["error"] == {
        "type": "run_failed",
        "reason": "rate_limited",
        "message": "no member answered",
    }


def test_a_surprise_is_one_line_and_a_traceback_only_on_request() -> None:
    brief, long = run(*REPLAY, "breaks"), run(*REPLAY, "breaks", "--verbose")
    assert (brief.returncode, long.returncode) == (1, 1)
    assert "Traceback" not in brief.stderr
    assert "unexpected KeyError: 'a fault of ours' (--verbose shows where)" in brief.stderr
    assert "Traceback" in long.stderr


def test_in_a_pipe_standard_output_gets_the_answer_alone() -> None:
    ended = run(*REPLAY, "whole")
    assert ended.returncode == 0
    assert ended.stdout == recorded.ANSWER
    assert "follow-up F1 to A and B" in ended.stderr
    assert "cost unknown ($0.0375 known" in ended.stderr
    assert "\x1b" not in ended.stdout + ended.stderr


def test_quiet_says_nothing_beside_the_answer() -> None:
    ended = run(*REPLAY, "whole", "--quiet")
    assert (ended.stdout, ended.stderr) == (recorded.ANSWER, "")


def test_json_in_a_pipe_is_the_whole_result_on_one_line() -> None:
    ended = run(*REPLAY, "whole", "--json")
    assert ended.stdout.count("\n") == 1
    events = recorded.before_the_end()
    assert json.loads(ended.stdout) == json.loads(json.dumps(recorded.result(events)))


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{' '.join(REPLAY)} whole --quiet | head -c 0"
    ended = run("bash", "-c", f"set -o pipefail; {command}")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(("columns", "rows"), [(100, 40), (60, 24), (30, 5)])
def test_on_a_terminal_the_live_view_gives_way_to_the_result(columns: int, rows: int) -> None:
    with in_terminal(*REPLAY, "slow", columns=columns, rows=rows) as command:
        assert command.wait() == 0
    live, _, final = command.text.rpartition("\x1b[?25h")
    assert live.startswith("\x1b[?25l")
    assert "follow-up round" in final
    assert "4,200" in final


def test_a_terminal_that_can_do_nothing_gets_lines() -> None:
    with in_terminal(*REPLAY, "whole", env={"TERM": "dumb"}) as command:
        assert command.wait() == 0
    assert "\x1b[?25" not in command.text
    assert "A web_search fish census lake" in command.text


def test_without_colour_the_live_view_has_none() -> None:
    with in_terminal(*REPLAY, "slow", env={"NO_COLOR": "1"}) as command:
        assert command.wait() == 0
    for colour in ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[38;"):
        assert colour not in command.text


@pytest.mark.parametrize(("name", "starts"), [("a.md", "The lake holds"), ("r.json", "{\n")])
def test_the_answer_or_the_result_is_saved(name: str, starts: str, tmp_path: Path) -> None:
    assert run(*REPLAY, "whole", "--save", str(tmp_path / name)).returncode == 0
    assert (tmp_path / name).read_text("utf-8").startswith(starts)
