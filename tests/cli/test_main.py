import shlex
import sys
from pathlib import Path

import pytest

from langgraph_fusion.graph.presets import preset_descriptions
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.models.prices import load_prices
from tests.cli.processes import FUSION, ROOT, in_terminal, run
from tests.cli.warm import fusion
from tests.test_imports import HEAVY

COMMANDS = [
    "ask", "presets", "doctor", "graph", "mcp", "serve", "work", "keys add", "runs show", "resume",
    "sandbox build", "sandbox prune",
]  # fmt: skip


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_nothing_heavy(command: str) -> None:
    code = (
        "import sys; from langgraph_fusion.cli.app import app\n"
        f"app({[*command.split(), '--help']!r}, standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert run(sys.executable, "-c", code).stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_has_examples(command: str) -> None:
    shown = run(*FUSION, *command.split(), "--help").stdout
    assert f"\n    fusion {command}" in shown.partition("Examples:")[2]


def test_the_version_is_printed() -> None:
    assert run(*FUSION, "--version").stdout.startswith("fusion 0.")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ask", "--rounds", "many", "q"], "--rounds"),
        (["ask", "--rounds", "9", "q"], "max_rounds"),
        (["ask", "--preset", "nope", "q"], "there is no 'nope'; choose one of quality"),
        (["ask", "--panel", "a/b*9", "q"], "panel"),
        (["ask", "--preset", "offline", "--set", "colour=red", "q"], "colour"),
        (["ask", "--preset", "offline", "--docs", "/nowhere", "q"], "/nowhere"),
        (["ask", "--preset", "budget", "q"], "OPENROUTER_API_KEY"),
        (["ask", "--save", "answer.pdf", "q"], "answer.pdf"),
        (["ask", "--save", "/nowhere/a.md", "q"], "cannot be written"),
        (["ask", "q", "-f", "question.txt"], "choose one"),
        (["ask", "-f", "/nowhere/question.txt"], "cannot be read"),
        (["ask", "  "], "it is empty"),
        (["ask"], "it is empty"),
        (["graph", "-p", "nope"], "there is no 'nope'"),
        (["answer"], "answer"),
        (["aks", "q"], "Did you mean 'ask'?"),
        (["ask", "What", "is", "this", "-p", "offline"], 'put it in quotes: fusion ask "What is'),
        (["ask", "--set", "max_round=2", "q"], "max_round: there is no such setting; did you mean"),
        (["ask", "--set", 'judge={"modle": "a/b"}', "q"], "did you mean `model`?"),
        (["ask", "--set", "judge={a}", "q"], "begins like JSON and is none"),
    ],
)
def test_bad_input_ends_with_code_2_and_one_message(arguments: list[str], says: str) -> None:
    ended = fusion(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_question_in_a_terminal_the_user_learns_how_to_ask() -> None:
    with in_terminal(*FUSION, "ask") as command:
        assert command.wait() == 2
    assert 'fusion ask "…"' in command.text


def test_a_question_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q.bin").write_bytes(b"\xff\xfe\x00")
    ended = fusion("ask", "-f", str(tmp_path / "q.bin"))
    assert (ended.returncode, "not UTF-8" in ended.stderr) == (2, True)


def test_bad_settings_are_json_when_json_is_asked_for() -> None:
    ended = fusion("ask", "--json", "--preset", "nope", "q")
    assert ended.returncode == 2
    assert '"type": "config_error"' in ended.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [("SSL_CERT_FILE", "/nonexistent"), ("ALL_PROXY", "socks://127.0.0.1:7891")],
)
def test_an_environment_in_which_nothing_can_be_reached_is_named_before_a_start(
    name: str, value: str
) -> None:
    env = {name: value, "OPENROUTER_API_KEY": "sk-test"}
    for arguments in (["ask", "-p", "budget", "--tools", "none", "q"], ["serve", "--port", "0"]):
        ended = fusion(*arguments, env=env)
        assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
        assert ended.stderr.splitlines()[-1].startswith(f"fusion: {name}: ")
        assert "Traceback" not in ended.stderr
    assert f"{name}: " in fusion("doctor", "--offline", "--json", env=env).stdout


FULL = ("ask", "-p", "offline", "--tools", "docs", "-q", "What is a seat?")


@pytest.mark.parametrize(
    ("redirect", "code", "says"),
    [
        (">/dev/full", 1, "standard output: it cannot be written: No space left on device"),
        ("2>/dev/full", 0, ""),
        ("2>&-", 0, ""),
        (">&-", 2, "standard output is closed; redirect it, or name a file with --save"),
        ("<&-", 0, ""),
    ],
)
def test_a_stream_that_is_closed_or_full_is_blamed_itself(
    redirect: str, code: int, says: str, tmp_path: Path
) -> None:
    command = " ".join(shlex.quote(word) for word in (*FUSION, *FULL))
    env = {"FUSION_RUNS": str(tmp_path / "runs.db")}
    ended = run("bash", "-c", f"{command} {redirect}", env=env)
    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert (len(ended.stdout) > 100) == (code == 0)


def test_without_standard_input_and_question_the_user_learns_how_to_ask() -> None:
    ended = run("bash", "-c", f"{' '.join(FUSION)} ask <&-")
    assert ended.returncode == 2
    assert "standard input is closed" in ended.stderr


def test_an_answer_that_could_not_be_written_is_printed_again_by_resume(tmp_path: Path) -> None:
    env = {"FUSION_RUNS": str(tmp_path / "runs.db")}
    (tmp_path / "full.md").symlink_to("/dev/full")
    ended = fusion(*FULL, "--save", str(tmp_path / "full.md"), env=env)
    assert ended.returncode == 1
    assert f"--save {tmp_path / 'full.md'}: it cannot be written: No space left" in ended.stderr
    assert "prints it" in ended.stderr
    again = fusion("resume", "-q", env=env)
    assert again.returncode == 0, again.stderr
    assert again.stdout == ended.stdout


def test_the_command_of_the_package_is_this_one() -> None:
    assert 'fusion = "langgraph_fusion.cli.main:main"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("preset", list(preset_descriptions()))
def test_a_cap_can_be_kept_with_every_shipped_preset(preset: str) -> None:
    prices = load_prices(None)
    seats = load_settings({"preset": preset}).all_seats
    for ref in (ref for seat in seats for ref in seat.models):
        assert prices.price_of(ref), ref


def test_a_question_of_two_megabytes_gets_its_answer(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("What is a follow-up round? " + "word " * 400_000)
    env = {"FUSION_RUNS": str(tmp_path / "runs.db")}
    ended = fusion(*FULL[:-1], "-f", str(tmp_path / "long.txt"), env=env, timeout_s=120)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout) > 100
