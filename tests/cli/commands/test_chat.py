"""A conversation at the terminal: its lines, its command in a pipe, and a real terminal."""

import asyncio
import json
import os
import signal
import subprocess
import termios
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.cli.chat.commands import split_command
from langgraph_fusion.cli.chat.conversation import Conversation
from langgraph_fusion.cli.chat.interrupts import Interrupts
from langgraph_fusion.cli.chat.session import Session, opened
from langgraph_fusion.cli.chat.talk import talk
from langgraph_fusion.cli.output import OutputOptions
from langgraph_fusion.graph.journal.chats import ChatHead
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.models.http import close_http_client
from tests.cli.processes import FUSION, environment, in_terminal
from tests.cli.warm import fusion
from tests.gate import Gate
from tests.graph.cast import JUDGE, WRITER, A, B, C, cast, settings
from tests.images import BLUE, colours, png
from tests.scripted import ScriptedServer, Seen, scripted_server, text

SEATS = ("--panel", f"{A},{C}", "--judge", "none", "--writer", WRITER, "--tools", "none")


def _prices(folder: Path) -> str:
    named = (A, B, C, JUDGE, WRITER)
    rows = "".join(f'"{name}" = {{ input = 1.0, output = 2.0 }}\n' for name in named)
    (folder / "prices.toml").write_text(rows)
    return str(folder / "prices.toml")


def _writer(seen: Seen) -> Any:
    return text(f"Answer to {seen.last.splitlines()[-1][:20]}.\x1b]0;owned\x07")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[ScriptedServer]:
    async with scripted_server(cast({WRITER: _writer})) as server:
        monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-secret-key")
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
        monkeypatch.setenv("FUSION_PRICES", _prices(tmp_path))
        yield server
        await close_http_client()


class Typed:
    """Lines that somebody types."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)

    async def read(self) -> str:
        line = next(self._lines, None)
        if line is None:
            raise EOFError
        return line


@asynccontextmanager
async def _session(place: Path, id: str | None = None, **output: Any) -> AsyncIterator[Session]:
    async with open_runs(place, origin="terminal") as runs:
        assert runs is not None
        new = Conversation(ChatHead(id="c0ffee"), runs.chats)
        conversation = await opened(runs, id) if id else new
        yield Session(settings(), {}, runs, OutputOptions(**output), conversation)


async def test_a_follow_up_is_one_call_that_knows_what_was_found_and_a_panel_comes_on_request(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, saved = tmp_path / "runs.db", tmp_path / "talk.md"
    said = ["What is it?", "", "And why?", "/panel Are you sure?", "/cost", f"/save {saved}"]
    async with _session(place) as session:
        assert session.next_by == "panel"
        assert await talk(session, Typed(said)) == 0
    assert [len(server.seen_by(model)) for model in (A, B, C, JUDGE, WRITER)] == [2, 2, 2, 2, 3]
    why, again = server.seen_by(WRITER)[1], server.seen_by(A)[1]
    assert why.last == "And why?"
    assert "It is 42." in why.text, "what the judge found"
    assert "never as instructions" in why.text
    assert again.last == "Are you sure?"
    assert "And why?" in again.text
    shown = capsys.readouterr()
    assert "Asking the writer alone: likely $" in shown.err
    assert "`/panel …` asks a panel: likely $" in shown.err
    assert "for 3 answers" in shown.out
    assert "\x1b" not in shown.out + shown.err
    assert saved.read_text().count("# ") == 3
    async with _session(place, "c0f", as_json=True, json_lines=True) as session:
        lines = ["More?", "/nonsense", "/sources", "/findings", "/help", "/list", "/quit", "No."]
        assert await talk(session, Typed(lines)) == 2
    assert "And why?" in server.seen_by(WRITER)[-1].text, "of the earlier process"
    shown = capsys.readouterr()
    answered, refused = (json.loads(line) for line in shown.out.splitlines())
    assert answered["mode"] == "direct"
    assert "/nonsense" in refused["error"]["message"]
    assert "4 turns  What is it?" in shown.err
    async with _session(place) as session:
        assert session.runs is not None
        await session.runs.delete(answered["run_id"])
        assert len((await opened(session.runs, "c0ffee")).turns) == 3
        await session.runs.chats.delete("c0ffee")
        assert await session.stored() == []


async def test_a_question_without_an_answer_is_no_turn_and_the_conversation_goes_on(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with _session(tmp_path / "runs.db") as session:
        server.script = cast(dict.fromkeys((A, B, C), text("")))
        assert await talk(session, Typed(["What is it?"])) == 1
        assert session.conversation.turns == []
        server.script = cast()
        await talk(session, Typed(["What is it?", "/direct", "Why?", "/panel", "/new", "Who?"]))
        assert [turn.question for turn in session.conversation.turns] == ["Who?"]
    assert len(server.seen_by(WRITER)) == 3
    assert "no member answered" in capsys.readouterr().err


async def test_files_stay_at_hand_and_images_go_with_their_question_and_its_history(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, notes = tmp_path / "runs.db", tmp_path / "my notes.md"
    notes.write_text("The reserve of the Halden mill is 4711 tonnes.")
    chart, broken = tmp_path / "chart.png", tmp_path / "broken.png"
    chart.write_bytes(png(BLUE))
    broken.write_text("no image")
    seeing = {"model": WRITER, "sees_images": True}
    server.script = cast({WRITER: lambda seen: text(f"I see {colours(seen.images) or 'nothing'}.")})
    wrong = [
        "/file",
        f"/file {tmp_path}",
        "/file none.md",
        "/image",
        "/image -",
        f"/image {broken}",
    ]
    said = [f"/file '{notes}'", f"/image {chart}", "What is it?", "/cost", "And why?"]
    async with _session(place) as session:
        session.settings = settings(synthesizer=seeing, tools=[])
        assert await talk(session, Typed(wrong)) == 2
        assert (session.files, session.images) == ([], [])
        await talk(session, Typed(said))
        assert [turn.answer for turn in session.conversation.turns] == ["I see blue."] * 2
        assert session.images == []
    for seen in (*server.seen_by(A), server.seen_by(WRITER)[-1]):
        assert "4711 tonnes" in seen.text
    shown = capsys.readouterr().err
    for words in (
        "name one: /file FILE", "is a folder", "there is no file 'none.md'",
        "standard input holds the questions", "my notes.md goes with the next question",
    ):  # fmt: skip
        assert words in shown, words
    notes.unlink()
    async with _session(place, "c0f") as session:
        session.settings = settings(synthesizer={"model": WRITER, "sees_images": False}, tools=[])
        assert [Path(one).name for one in session.files] == [notes.name]
        await talk(session, Typed(["/direct Still?", "/image none", "/file none"]))
        assert session.conversation.turns[-1].answer == "I see nothing."
        assert session.conversation.turns[-1].files == ()
    shown = capsys.readouterr().err
    assert "my notes.md is gone; the question is asked without it" in " ".join(shown.split())
    assert "None of these models reads images" in shown


async def test_the_status_fits_every_terminal_and_says_first_who_answers(
    server: ScriptedServer, tmp_path: Path
) -> None:
    async with _session(tmp_path / "runs.db") as session:
        await talk(session, Typed(["What is it?"]))
        session.files = ["/a/very/long/way/to/the/report-of-the-year-2025.pdf"]
        lines = {columns: session.status(columns) for columns in range(1, 140)}
        paid = session.conversation.cost
    assert all(len(line) < columns for columns, line in lines.items())
    assert lines[139].endswith(f"· with report-of-the-year-2025.pdf · {paid} so far · /help")
    assert lines[60] == f" next: the writer alone · 1 file · {paid} so far · /help"
    assert lines[10] == " writer"


def test_lines_of_a_pipe_are_questions_and_commands_and_conversations_are_listed(
    tmp_path: Path,
) -> None:
    env = {"FUSION_RUNS": str(tmp_path / "runs.db")}
    offline = ("chat", "-p", "offline", "--json", "--quiet")
    lines = "How is the spend cap kept?\n/cost\nWhat is a seat?"
    ended = fusion(*offline, stdin=lines, env=env, timeout_s=120)
    assert ended.returncode == 0, ended.stderr
    first, second = (json.loads(line) for line in ended.stdout.splitlines())
    assert first["answer"]
    assert second["mode"] == "synthesize", "the offline panel costs nothing, and answers always"
    listed = fusion("chat", "--list", env=env)
    assert "2 turns  How is the spend cap kept?" in listed.stdout


def test_links_to_documents_open_from_where_they_are_printed_and_saved(tmp_path: Path) -> None:
    notes = tmp_path / "my notes"
    notes.mkdir()
    (notes / "a.md").write_text("Backups run at two in the morning.")
    saved = tmp_path / "talk.md"
    lines = f"When do backups run?\n/sources\n/save {saved}\n/save {tmp_path}/talk.pdf"
    ended = fusion("chat", "-p", "offline", "--docs", str(notes), "-q", stdin=lines)
    assert "](my%20notes/a.md#" in saved.read_text()
    assert f"[1] a.md {notes}/a.md#" in ended.stdout
    assert "fusion: /save " in ended.stderr
    assert ended.returncode == 2


async def test_ctrl_c_stops_the_run_and_keeps_the_conversation_and_ctrl_d_leaves(
    tmp_path: Path,
) -> None:
    gate = Gate(text("Gamma says 42."))
    async with scripted_server(cast({C: gate, WRITER: text("It is 42.")})) as server:
        env = {
            "OPENROUTER_API_KEY": "sk-or-secret-key",
            "OPENROUTER_BASE_URL": server.base_url,
            "FUSION_RUNS": str(tmp_path / "runs.db"),
            "FUSION_PRICES": _prices(tmp_path),
            "PROMPT_TOOLKIT_NO_CPR": "1",  # nobody answers where the cursor is
        }
        with in_terminal(*FUSION, "chat", *SEATS, env=env) as command:
            before = termios.tcgetattr(command.master)

            async def press(keys: str, *expected: str) -> None:
                at = len(command.text)
                os.write(command.master, keys.encode())
                for text_ in expected:
                    await asyncio.to_thread(command.read_until, text_, 60, after=at)
                    at = command.text.index(text_, at) + len(text_)

            await press("", "you>")
            await press("/fin", " /findings ")  # in the menu
            await press("\t", "/findings")
            await press("\r", "there is no judge's analysis yet", "you>")
            await press("What is\x1b\rit?\r")
            await gate.asked.wait()
            await press("\x03", "stopping", "you>")
            gate.opened.set()
            await press("\x1b[A\r", "It is 42.", "you>")  # the question from the history
            await press("\x03", "Ctrl-D or /quit leaves", "you>")
            await press("And why?\r", "Asking the writer alone", "It is 42.", "you>")
            await press("\x04")
            assert await asyncio.to_thread(command.wait) == 0
            assert "goes on with it" in command.text
            assert termios.tcgetattr(command.master) == before
    assert server.seen_by(C)[-1].last == "What is\nit?"
    assert len(server.seen_by(WRITER)) == 2


def test_a_question_that_begins_like_a_path_is_a_question() -> None:
    assert split_command("/etc/hosts is what?") is None
    assert split_command("/2 of it?") is None
    assert split_command("/panel is it?") == ("/panel", "is it?")
    assert split_command("/halp") == ("/halp", "")


async def test_ctrl_c_between_runs_stops_what_is_done_and_not_the_conversation(
    tmp_path: Path,
) -> None:
    before = signal.getsignal(signal.SIGINT)
    interrupts = Interrupts()
    with interrupts.listening():
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)
        await interrupts.answer(asyncio.sleep(60))
        assert interrupts.received
        await interrupts.answer(asyncio.sleep(0))
        assert not interrupts.received
    assert signal.getsignal(signal.SIGINT) == before


async def test_ctrl_c_ends_lines_that_nobody_types(server: ScriptedServer, tmp_path: Path) -> None:
    gate = Gate(text("Gamma says 42."))
    server.script = cast({C: gate})
    process = await asyncio.create_subprocess_exec(
        *FUSION, "chat", *SEATS, "--json", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environment(dict(os.environ)), cwd=tmp_path,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b"What is it?\nAnd why?\n")
    await process.stdin.drain()
    await gate.asked.wait()
    process.send_signal(signal.SIGINT)
    answered, said = await process.communicate()
    gate.opened.set()
    assert process.returncode == 130, said.decode()
    assert [json.loads(line)["error"]["type"] for line in answered.splitlines()] == ["stopped"]
    assert len(server.seen_by(C)) == 1
