"""`fusion runs` and what `fusion ask` leaves for it."""

import json
from pathlib import Path

import pytest

from tests.cli.processes import FUSION, run

ASK = (*FUSION, "ask", "--preset", "offline", "--tools", "docs")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"FUSION_RUNS": str(tmp_path / "runs.db")}


def test_a_kept_run_is_listed_shown_and_deleted(env: dict[str, str]) -> None:
    asked = run(*ASK, "--keep", "--json", "-q", "What is a follow-up round?", env=env)
    result = json.loads(asked.stdout)
    run_id = result["run_id"]
    (listed,) = json.loads(run(*FUSION, "runs", "--json", env=env).stdout)["runs"]
    assert (listed["id"], listed["status"], listed["keep"]) == (run_id, "finished", True)
    assert "owner" not in listed
    assert f"{run_id}" in run(*FUSION, "runs", env=env).stdout
    shown = run(*FUSION, "runs", "show", run_id[:5], env=env).stdout
    assert "question: What is a follow-up round?" in shown
    assert "writer $0" in shown
    assert result["answer"].splitlines()[0] in shown
    whole = json.loads(run(*FUSION, "runs", "show", "--json", env=env).stdout)
    assert whole["result"] == result
    assert whole["bill"]["judge"]["calls"] == 1
    again = run(*FUSION, "resume", run_id, env=env)
    assert again.returncode == 0
    assert result["answer"].splitlines()[0] in again.stdout
    deleted = run(*FUSION, "runs", "delete", run_id, env=env)
    assert deleted.returncode == 0
    gone = run(*FUSION, "runs", "show", run_id, env=env)
    assert gone.returncode == 2
    assert f"there is no run '{run_id}'" in gone.stderr


def test_a_run_that_is_not_kept_says_so_and_holds_no_text(
    env: dict[str, str], tmp_path: Path
) -> None:
    question = "What is a follow-up round, says the curious kestrel?"
    assert run(*ASK, "-q", question, env=env).returncode == 0
    shown = run(*FUSION, "runs", "show", env=env).stdout
    assert "its texts were not kept" in shown
    assert b"kestrel" not in (tmp_path / "runs.db").read_bytes()
    resumed = run(*FUSION, "resume", env=env)
    assert resumed.returncode == 2
    assert "there is no run to resume" in resumed.stderr


def test_a_store_that_cannot_be_opened_is_an_error_that_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, " * 100)
    for place in (str(tmp_path / "text"), str(tmp_path), "postgresql://127.0.0.1:1/none"):
        asked = run(*ASK, "-q", "What is it?", env={"FUSION_RUNS": place})
        assert asked.returncode == 2, asked.stderr
        assert "FUSION_RUNS" in asked.stderr
    off = run(*ASK, "-q", "What is a seat?", env={"FUSION_RUNS": "off"})
    assert off.returncode == 0
    listed = run(*FUSION, "runs", env={"FUSION_RUNS": "off"})
    assert (listed.returncode, "no runs are kept" in listed.stderr) == (2, True)


def test_a_default_place_that_cannot_be_opened_does_not_keep_a_question_from_its_answer(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    asked = run(*ASK, "What is a seat?", env={"XDG_DATA_HOME": str(tmp_path / "data")})
    assert asked.returncode == 0
    assert "This run cannot be resumed" in asked.stderr
    assert asked.stdout
