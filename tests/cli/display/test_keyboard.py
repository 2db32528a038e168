"""A run is steered by keys, in a terminal, and the terminal is left as it was found."""

import asyncio
import json
import os
import shlex
import signal
import termios
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.processes import FUSION, InTerminal, in_terminal
from tests.gate import Gate
from tests.graph.cast import JUDGE, WRITER, A, B, C, asked_again, cast, disputed, judge
from tests.scripted import scripted_server, status, text

ASK = ("ask", "What is it?", "--panel", f"{A},{B},{C}", "--judge", JUDGE, "--writer", WRITER,
       "--tools", "none")  # fmt: skip
KEYS = "answer now"
"""Shown while keys are read."""


@dataclass
class Asked:
    """A command in a terminal whose member C waits at the gate."""

    command: InTerminal
    gate: Gate
    saved: Path
    before: list[Any]

    async def see(self, expected: str) -> None:
        await asyncio.to_thread(self.command.read_until, expected)

    async def press(self, keys: str, expected: str) -> None:
        """Press keys, and wait until this has been drawn since."""
        at = len(self.command.text)
        self.type(keys)
        await asyncio.to_thread(self.command.read_until, expected, after=at)

    def type(self, keys: str) -> None:
        os.write(self.command.master, keys.encode())

    async def result(self) -> dict[str, Any]:
        """Open the gate, wait for the end, and return the result."""
        self.gate.opened.set()
        assert await self.ended() == 0, self.command.text[-2000:]
        whole: dict[str, Any] = json.loads(self.saved.read_text())
        return whole

    async def ended(self) -> int:
        """Wait for the end; the terminal has to be as it was found."""
        code = await asyncio.to_thread(self.command.wait)
        assert self.mode() == self.before
        assert self.command.text.rpartition("\x1b[?25")[2].startswith("h"), "a cursor"
        return code

    def mode(self) -> list[Any]:
        return termios.tcgetattr(self.command.master)

    @property
    def echoes(self) -> bool:
        return bool(self.mode()[3] & termios.ECHO)


@asynccontextmanager
async def asking(
    folder: Path,
    *words: str,
    parts: Mapping[str, Any] | None = None,
    line: Callable[[str], str] | None = None,
    **size: int,
) -> AsyncIterator[Asked]:
    """Ask in a terminal; with `line` the command is run by that line of bash."""
    gate, saved, prices = Gate(text("Gamma says 42.")), folder / "r.json", folder / "prices.toml"
    named = (A, B, C, JUDGE, WRITER)
    prices.write_text("".join(f'"{name}" = {{ input = 1.0, output = 2.0 }}\n' for name in named))
    async with scripted_server(cast({C: gate, **(parts or {})})) as server:
        env = {
            "OPENROUTER_API_KEY": "sk-or-secret-key",
            "OPENROUTER_BASE_URL": server.base_url,
            "FUSION_RUNS": str(folder / "runs.db"),
            "FUSION_PRICES": str(prices),
        }
        ask = (*FUSION, *(words or ASK), "--save", str(saved))
        command = ("bash", "-c", line(shlex.join(ask))) if line else ask
        with in_terminal(*command, env=env, **size) as started:
            before = termios.tcgetattr(started.master)
            asked = Asked(started, gate, saved, before)
            await gate.asked.wait()
            yield asked


async def test_answer_now_ends_the_rounds(tmp_path: Path) -> None:
    async with asking(tmp_path, parts={JUDGE: judge(disputed())}) as asked:
        await asked.see(KEYS)
        assert not asked.echoes
        await asked.press("a", "asked for: answer now")
        result = await asked.result()
    assert (result["rounds"], result["ended_by"]) == (0, "answer_now")


async def test_a_member_is_stopped_after_a_wrong_letter(tmp_path: Path) -> None:
    async with asking(tmp_path) as asked:
        await asked.see(KEYS)
        await asked.press("s", "which member is to stop? A B C")
        await asked.press("z", "there is no seat 'Z'")
        asked.type("c")  # the run may be over before this has been drawn
        assert await asked.ended() == 0  # the gate stays closed
    result = json.loads(asked.saved.read_text())
    assert [(one["seat"], one["reason"]) for one in result["failed_members"]] == [("C", "stopped")]


async def test_a_question_of_ones_own_is_typed_left_and_typed_again(tmp_path: Path) -> None:
    again = asked_again(text("Alpha says 42."), text("It was repaired in 1950."))
    async with asking(tmp_path, parts={A: again}) as asked:
        await asked.see(KEYS)
        await asked.press("fa b s", "one more round on: ")
        await asked.press("\x1b", KEYS)
        await asked.press("f\x1b[DWhen was it repairet\x7fd?", "repaired?")
        await asked.press("\r", "asked for: one more round on “When was it repaired?”")
        result = await asked.result()
    (question,) = result["follow_ups"]
    assert (question["kind"], question["question"]) == ("user", "When was it repaired?")
    assert "It was repaired in 1950." in [one["text"] for one in result["answers"]]
    assert [one["seat"] for one in result["failed_members"]] == []


async def test_the_spend_cap_is_raised_where_there_is_one(tmp_path: Path) -> None:
    async with asking(tmp_path, *ASK, "--budget", "0.5", columns=120) as asked:
        await asked.see("raise the spend cap of $0.5")
        await asked.press("b0.1\r", "the spend cap is $0.5 already")
        await asked.press("\x151.25\r", "asked for: spend up to $1.25")
        await asked.see("raise the spend cap of $1.25")
        result = await asked.result()
    assert result["degraded"] == []


async def test_a_resumed_run_is_steered_too(tmp_path: Path) -> None:
    async with asking(tmp_path) as asked:
        await asked.see(KEYS)
        asked.type("\x03")
        assert await asked.ended() == 130
    async with asking(tmp_path, "resume", parts={JUDGE: judge(disputed())}) as asked:
        await asked.see(KEYS)
        await asked.press("a", "asked for: answer now")
        assert (await asked.result())["ended_by"] == "answer_now"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGQUIT, -3), (signal.SIGHUP, -1)]
)
async def test_a_signal_leaves_the_terminal_as_it_was(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    async with asking(tmp_path) as asked:
        await asked.see(KEYS)
        asked.command.process.send_signal(number)
        assert await asked.ended() == code


async def test_an_error_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    failing = {model: status(401) for model in (A, B, JUDGE, WRITER)}
    async with asking(tmp_path, *ASK, "--min-answers", "2", parts=failing) as asked:
        await asked.see(KEYS)
        await asked.press("f", "one more round on: ")
        asked.gate.opened.set()
        assert await asked.ended() == 1


async def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(tmp_path: Path) -> None:
    def line(ask: str) -> str:
        return f"set -m; {ask}; echo STOPPED $(stty -a | grep -oE -- '-?(icanon|echo)\\b'); fg"

    async with asking(tmp_path, line=line) as asked:
        await asked.see(KEYS)
        await asked.press("\x1a", "STOPPED icanon echo")
        await asked.see("fusion")
        at = len(asked.command.text)
        await asyncio.to_thread(asked.command.read_until, KEYS, after=at)
        asked.type("sc")
        assert await asked.ended() == 0  # the gate stays closed


async def test_in_the_background_no_key_is_read_and_the_run_goes_on(tmp_path: Path) -> None:
    async with asking(tmp_path, line=lambda ask: f"set -m; {ask} & sleep 1; cat; wait") as asked:
        await asked.see("thinking")
        assert asked.echoes
        await asked.press("asc\n", "asc\r\nasc\r\n")  # the echo, and what cat has read
        asked.type("\x04")
        result = await asked.result()
    assert KEYS not in asked.command.text
    assert result["failed_members"] == []


async def test_with_a_question_from_a_pipe_no_key_is_read(tmp_path: Path) -> None:
    words = [word for word in ASK if word != "What is it?"]
    async with asking(tmp_path, *words, line=lambda ask: f"echo 'What?' | {ask}") as asked:
        await asked.see("thinking")
        assert asked.echoes
        asked.type("a")
        result = await asked.result()
    assert KEYS not in asked.command.text
    assert result["ended_by"] != "answer_now"
