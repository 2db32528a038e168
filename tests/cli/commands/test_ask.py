"""The whole thing: the command, the graph, the offline panel, over a folder of documents."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.sandbox.docker.reaper import LABEL
from tests.cli.processes import FUSION, ROOT, environment, in_terminal
from tests.cli.warm import fusion
from tests.docker_engine import require_docker
from tests.files import readable

__all__ = ["require_docker"]

QUESTION = "How long is the bridge, and who built it?"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "survey.md").write_text("# Survey\n\nThe bridge is 120 metres long.\n")
    (folder / "history.md").write_text("# History\n\nThe bridge was built by Ada Stone in 1931.\n")
    return folder


def ask(docs: Path, *options: str, question: str = QUESTION) -> subprocess.CompletedProcess[str]:
    cache = {"XDG_CACHE_HOME": str(docs.parent / "cache")}
    offline = ("-p", "offline", "--tools", "docs", "--docs", str(docs))
    return fusion("ask", *offline, *options, stdin=question, env=cache)


def test_a_question_is_answered_from_the_users_documents(docs: Path) -> None:
    ended = ask(docs)
    assert ended.returncode == 0, ended.stderr
    assert "120 metres" in ended.stdout
    assert f"({docs}/survey.md#" in ended.stdout
    assert "no cost" in ended.stderr
    assert f"three extractive programs quote sentences from the folder {docs}" in ended.stderr


def test_the_json_is_a_valid_result(docs: Path) -> None:
    ended = ask(docs, "--json", "--quiet")
    result = FusionResult.model_validate_json(ended.stdout)
    assert (result.question, result.preset, ended.stderr) == (QUESTION, "offline", "")
    assert len(result.panel) == 3


def test_without_a_preset_the_user_learns_which_was_chosen_and_how_to_get_models(
    docs: Path,
) -> None:
    ended = fusion("ask", "--docs", str(docs), "--tools", "docs", QUESTION)
    first = ended.stderr.splitlines()[0]
    assert ended.returncode == 0
    assert "`offline`" in first
    assert "export OPENROUTER_API_KEY" in first


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("-p", "offline", "--docs", "nowhere"), "there is no folder 'nowhere'"),
        (("--docs", "nowhere"), "there is no folder 'nowhere'"),
        (("-p", "offline", "--file", "nowhere.csv", "--tools", "docs,bash"), "nowhere.csv"),
        (("-p", "offline", "--docs", "nowhere", "--estimate", "--set", "x=1"), "x"),
    ],
)
def test_what_prevents_a_run_is_said_alone(options: tuple[str, ...], named: str) -> None:
    ended = fusion("ask", *options, QUESTION)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("fusion: "), ended.stderr
    assert named in ended.stderr
    assert "demonstration" not in ended.stderr
    assert "Using the preset" not in ended.stderr


def test_a_preset_that_was_chosen_for_the_user_and_lacks_bash_is_named_with_the_way_out(
    tmp_path: Path,
) -> None:
    ended = fusion("ask", "--out", str(tmp_path / "kept"), QUESTION)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "no member has bash" in ended.stderr
    assert "Using the preset `offline`" in ended.stderr
    assert "export OPENROUTER_API_KEY" in ended.stderr


def test_files_are_searched_and_cited_without_bash_and_what_is_none_is_named(docs: Path) -> None:
    table, photo = docs.parent / "rows.csv", docs.parent / "photo.png"
    table.write_bytes(readable()["rows.csv"])
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    question = "What is the reserve of the Halden mill?"
    ended = ask(docs, "--file", str(table), "--file", str(photo), question=question)
    assert ended.returncode == 0, ended.stderr
    assert "4711 tonnes" in ended.stdout
    assert "(attached/rows.csv#L" in ended.stdout
    assert "'photo.png' could not be read" in ended.stderr


def test_a_question_comes_from_a_file_and_the_result_goes_to_one(docs: Path) -> None:
    question, saved = docs.parent / "q.txt", docs.parent / "result.json"
    question.write_text(QUESTION)
    ended = ask(docs, "-f", str(question), "--save", str(saved), "--quiet")
    assert (ended.returncode, ended.stderr) == (0, "")
    answer = json.loads(saved.read_text())["answer"].replace("](", f"]({docs}/")
    assert answer.rstrip() == ended.stdout.rstrip()


def test_an_analysis_alone_prints_what_the_judge_found(docs: Path) -> None:
    ended = ask(docs, "--mode", "analysis", "--quiet")
    assert ended.returncode == 0
    assert ended.stdout.startswith("## What the judge found")


@pytest.mark.parametrize(("columns", "rows"), [(100, 40), (60, 24)])
def test_on_a_terminal_the_deliberation_and_the_sources_stay_to_be_read(
    columns: int, rows: int, docs: Path
) -> None:
    arguments = ["ask", "-p", "offline", "--tools", "docs", "--docs", str(docs), QUESTION]
    with in_terminal(*FUSION, *arguments, columns=columns, rows=rows) as command:
        assert command.wait() == 0
    final = command.text.rpartition("\x1b[?25h")[2]
    for part in ("keyword", "careful", "120 metres", "survey.md", "no cost"):
        assert part in final
    shown = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]|\s", "", final)
    assert shown.count(f"{docs}/survey.md#") == 1


def containers_of(process_id: int) -> str:
    listed = ["docker", "ps", "-aq", "--filter", f"label={LABEL}.pid={process_id}"]
    return subprocess.run(listed, capture_output=True, text=True, check=True).stdout


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_leaves_no_container(
    number: signal.Signals, code: int, docs: Path
) -> None:
    process = subprocess.Popen(
        [*FUSION, "ask", "-p", "offline", "--tools", "docs,bash", "--docs", str(docs), QUESTION],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    assert process.stderr is not None
    while "docs_search" not in (line := process.stderr.readline()):
        assert line
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    assert process.returncode == code
    assert containers_of(process.pid) == ""


def test_a_length_is_chosen_with_a_word(docs: Path) -> None:
    for word in ("brief", "full"):
        ended = ask(docs, f"--{word}", "--json", "--quiet")
        assert FusionResult.model_validate_json(ended.stdout).length == word
    assert ask(docs, "--brief", "--full").returncode == 2
