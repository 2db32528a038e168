"""`fusion runs` and what `fusion ask` leaves for it."""

import json
from pathlib import Path

import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.run_record import RunRecord
from langgraph_fusion.graph.journal.store import open_runs
from tests.cli.warm import fusion

ASK = ("ask", "--preset", "offline", "--tools", "docs")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"FUSION_RUNS": str(tmp_path / "runs.db")}


def test_a_kept_run_is_listed_shown_and_deleted(env: dict[str, str]) -> None:
    asked = fusion(*ASK, "--keep", "--json", "-q", "What is a follow-up round?", env=env)
    result = json.loads(asked.stdout)
    run_id = result["run_id"]
    (listed,) = json.loads(fusion("runs", "--json", env=env).stdout)["runs"]
    assert (listed["id"], listed["status"], listed["keep"]) == (run_id, "finished", True)
    assert "owner" not in listed
    assert f"{run_id}" in fusion("runs", env=env).stdout
    shown = fusion("runs", "show", run_id[:5], env=env).stdout
    assert "question: What is a follow-up round?" in shown
    assert "writer $0" in shown
    assert result["answer"].splitlines()[0] in shown
    whole = json.loads(fusion("runs", "show", "--json", env=env).stdout)
    assert whole["result"] == result
    assert whole["bill"]["judge"]["calls"] == 1
    again = fusion("resume", run_id, env=env)
    assert again.returncode == 0
    assert result["answer"].splitlines()[0] in again.stdout
    deleted = fusion("runs", "delete", run_id, env=env)
    assert deleted.returncode == 0
    gone = fusion("runs", "show", run_id, env=env)
    assert gone.returncode == 2
    assert f"there is no run '{run_id}'" in gone.stderr


def test_a_run_that_is_not_kept_says_so_and_holds_no_text(
    env: dict[str, str], tmp_path: Path
) -> None:
    question = "What is a follow-up round, says the curious kestrel?"
    env |= {"FUSION_RUNS_QUESTIONS": "0"}
    assert fusion(*ASK, "-q", question, env=env).returncode == 0
    shown = fusion("runs", "show", env=env).stdout
    assert "its texts were not kept" in shown
    assert b"kestrel" not in (tmp_path / "runs.db").read_bytes()
    resumed = fusion("resume", env=env)
    assert resumed.returncode == 2
    assert "there is no run to resume" in resumed.stderr


def test_a_store_that_cannot_be_opened_is_an_error_that_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, " * 100)
    for place in (str(tmp_path / "text"), str(tmp_path), "postgresql://127.0.0.1:1/none"):
        asked = fusion(*ASK, "-q", "What is it?", env={"FUSION_RUNS": place})
        assert asked.returncode == 2, asked.stderr
        assert "FUSION_RUNS" in asked.stderr
    off = fusion(*ASK, "-q", "What is a seat?", env={"FUSION_RUNS": "off"})
    assert off.returncode == 0
    listed = fusion("runs", env={"FUSION_RUNS": "off"})
    assert (listed.returncode, "no runs are kept" in listed.stderr) == (2, True)


def test_a_default_place_that_cannot_be_opened_does_not_keep_a_question_from_its_answer(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    asked = fusion(*ASK, "What is a seat?", env={"XDG_DATA_HOME": str(tmp_path / "data")})
    assert asked.returncode == 0
    assert "This run cannot be resumed" in asked.stderr
    assert asked.stdout


def test_the_list_shows_how_a_question_begins_until_the_run_is_deleted(
    env: dict[str, str], tmp_path: Path
) -> None:
    question = "What is a seat,\nasked the \x1b[31mcurious kestrel " + "again " * 40 + "wren?"
    assert fusion(*ASK, "-q", question, env=env).returncode == 0
    listed = fusion("runs", env=env).stdout
    assert "What is a seat, asked" in listed
    (record,) = json.loads(fusion("runs", "--json", env=env).stdout)["runs"]
    assert record["question"].startswith("What is a seat, asked the curious kestrel again")
    assert len(record["question"]) <= 120
    assert b"wren" not in (tmp_path / "runs.db").read_bytes()
    assert fusion("runs", "delete", record["id"], env=env).returncode == 0
    assert json.loads(fusion("runs", "--json", env=env).stdout)["runs"] == []


@pytest.mark.parametrize("of_server", [{"origin": "server"}, {"client": "ada"}])
async def test_resume_takes_up_the_last_run_that_no_client_of_a_server_asked(
    of_server: dict[str, str], tmp_path: Path
) -> None:
    async with open_runs(tmp_path / "runs.db", origin="terminal") as runs:
        assert runs is not None
        mine = RunRecord(
            id="aaa", started_at="2026-01-01", preset="offline", settings={}, status="interrupted"
        )
        await runs.save(mine.changed(origin="terminal"))
        await runs.save(mine.changed(id="bbb", started_at="2026-01-02", **of_server))
        assert (await runs.latest()).id == "bbb"
        assert (await runs.latest(resumable=True)).id == "aaa"
        await runs.delete("aaa")
        with pytest.raises(ConfigError, match="no run to resume"):
            await runs.latest(resumable=True)


@pytest.mark.parametrize("of_server", [{"origin": "server"}, {"client": "ada"}])
async def test_resume_without_an_id_leaves_a_servers_run_alone(
    env: dict[str, str], of_server: dict[str, str], tmp_path: Path
) -> None:
    theirs = RunRecord(
        id="bbb", started_at="2026-01-02", preset="offline", settings={}, status="interrupted"
    )
    async with open_runs(tmp_path / "runs.db", origin="terminal") as runs:
        assert runs is not None
        await runs.save(theirs.changed(**of_server))
    resumed = fusion("resume", env=env)
    assert (resumed.returncode, resumed.stdout) == (2, "")
    assert "there is no run to resume" in resumed.stderr
    (left,) = json.loads(fusion("runs", "--json", env=env).stdout)["runs"]
    assert (left["id"], left["status"]) == ("bbb", "interrupted")
