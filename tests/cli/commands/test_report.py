"""`fusion report` from a stored run, from a file and from a pipe."""

import json
from pathlib import Path

import pytest

from tests.cli.warm import fusion

ASK = ("ask", "--preset", "offline", "--tools", "docs", "-q", "What is a follow-up round?")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"FUSION_RUNS": str(tmp_path / "runs.db")}


def test_a_kept_run_becomes_a_file(env: dict[str, str], tmp_path: Path) -> None:
    asked = fusion(*ASK, "--keep", "--json", env=env)
    run_id = json.loads(asked.stdout)["run_id"]
    page = tmp_path / "run.html"
    made = fusion("report", run_id, "-o", str(page), env=env)
    assert (made.returncode, made.stdout) == (0, "")
    assert f"written to {page}" in made.stderr
    assert "What is a follow-up round?" in page.read_text()
    assert 'class="bar' in page.read_text()
    as_md = fusion("report", "-o", str(tmp_path / "run.md"), env=env)
    assert as_md.returncode == 0
    assert (tmp_path / "run.md").read_text().startswith("# What is a follow-up round?")


def test_the_output_of_json_becomes_a_report_later(env: dict[str, str], tmp_path: Path) -> None:
    saved = tmp_path / "result.json"
    saved.write_text(fusion(*ASK, "--json", env=env).stdout)
    assert fusion("report", str(saved), env=env).stdout.startswith("<!doctype html>")
    again = fusion("report", str(saved), "--format", "json", env=env)
    assert json.loads(again.stdout)["answer"] == json.loads(saved.read_text())["answer"]


def test_a_run_whose_texts_were_not_kept_says_how_to_keep_them(env: dict[str, str]) -> None:
    assert fusion(*ASK, env=env).returncode == 0
    made = fusion("report", env=env)
    assert made.returncode == 2
    assert "ask with --keep" in made.stderr


@pytest.mark.parametrize(
    ("text", "says"), [("no json", "is not JSON"), ('{"a": 1}', "is not the result of a run")]
)
def test_what_is_no_result_is_said(
    env: dict[str, str], tmp_path: Path, text: str, says: str
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(text)
    made = fusion("report", str(wrong), env=env)
    assert (made.returncode, made.stdout) == (2, "")
    assert says in made.stderr


def test_a_question_writes_its_report_beside_the_answer(
    env: dict[str, str], tmp_path: Path
) -> None:
    page, saved = tmp_path / "run.html", tmp_path / "run.md"
    made = fusion(*ASK[:-1], "--save", str(saved), "--report", str(page), ASK[-1], env=env)
    assert made.returncode == 0, made.stderr
    assert made.stdout
    assert page.read_text().startswith("<!doctype html>")
    assert ASK[-1] in page.read_text()
    assert saved.read_text()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("run.pdf", "name a file that ends in .html"),
        ("none/run.html", "it cannot be written"),
        ("answer.md", "--save writes there already"),
    ],
)
def test_a_report_that_could_not_be_written_is_refused_before_the_run(
    env: dict[str, str], tmp_path: Path, name: str, says: str
) -> None:
    for words in (("ask", "Who?"), ("resume",)):
        saved = ("--save", str(tmp_path / "answer.md"))
        made = fusion(*words, *saved, "--report", str(tmp_path / name), env=env)
        assert (made.returncode, made.stdout) == (2, "")
        assert says in made.stderr
