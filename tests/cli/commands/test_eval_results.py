"""`fusion eval report`, `compare` and `audit` over a stored result."""

import hashlib
import json
from pathlib import Path

import pytest

from langgraph_fusion.evals.records import StoredResult
from tests.cli.warm import fusion
from tests.evals.report.invented import TASKS, panel_result


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The invented tasks as a file of one's own."""
    rows = [
        {
            "id": task.id,
            "question": task.question,
            "domain": task.domain,
            "rubric": [one.model_dump() for one in task.criteria],
        }
        for task in TASKS
    ]
    path = tmp_path / "invented.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"FUSION_EVALS": str(tmp_path / "evals")}


def stored(path: Path, data: Path, found: StoredResult | None = None) -> Path:
    made = found or panel_result()
    hashed = hashlib.sha256(data.read_bytes()).hexdigest()
    dataset = made.dataset.model_copy(update={"sha256": hashed})
    path.write_text(made.model_copy(update={"dataset": dataset}).to_json())
    return path


def test_a_result_becomes_tables_json_and_a_page(
    tmp_path: Path, data: Path, env: dict[str, str]
) -> None:
    result = stored(tmp_path / "result.json", data)
    told = fusion("eval", "report", str(result), "--data", str(data), env=env)
    assert told.returncode == 0, told.stderr
    for part in ("panel", "+19.4", "Better than the best member?", "better", "by stage", "0 (0)"):
        assert part in told.stdout
    assert "note: One judge's pass" in told.stderr

    as_json = fusion(
        "eval", "report", str(result), "--data", str(data), "--format", "json", env=env
    )
    found = json.loads(as_json.stdout)
    assert found["summary"]["arms"][4]["score"]["n"] == 24
    assert found["losses"][0]["losses"][0]["requirement"].startswith("Invented criterion")

    page = tmp_path / "page.html"
    made = fusion(
        "eval", "report", str(result), "--data", str(data), "--no-rubric", "-o", str(page), env=env
    )
    assert made.returncode == 0
    assert "<svg" in page.read_text()
    assert "Invented criterion" not in page.read_text()


def test_without_the_data_set_losses_are_left_out_and_it_is_said(
    tmp_path: Path, data: Path, env: dict[str, str]
) -> None:
    told = fusion("eval", "report", str(stored(tmp_path / "r.json", data)), env=env)
    assert told.returncode == 0
    assert "by stage" not in told.stdout
    assert "--data FILE" in told.stderr


def test_another_file_than_the_results_is_refused(
    tmp_path: Path, data: Path, env: dict[str, str]
) -> None:
    result = stored(tmp_path / "r.json", data)
    data.write_text(data.read_text() + "\n")
    told = fusion("eval", "report", str(result), "--data", str(data), env=env)
    assert told.returncode == 2
    assert "sha256" in told.stderr


def test_what_is_no_result_is_refused(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "x.json").write_text('{"a": 1}')
    for command in ("report", "audit"):
        told = fusion("eval", command, str(tmp_path / "x.json"), env=env)
        assert told.returncode == 2
        assert "no result" in told.stderr


def test_two_results_are_compared(tmp_path: Path, data: Path, env: dict[str, str]) -> None:
    first, second = stored(tmp_path / "a.json", data), stored(tmp_path / "b.json", data)
    told = fusion("eval", "compare", str(first), str(second), env=env)
    assert told.returncode == 0, told.stderr
    assert "A: panel" in told.stdout
    assert "not told apart" in told.stdout
    as_json = json.loads(
        fusion("eval", "compare", str(first), str(second), "--json", env=env).stdout
    )
    assert as_json["differences"][0]["difference"]["mean"] == 0


def test_an_audit_finds_a_rubric_in_an_answer_and_scores_without_it(
    tmp_path: Path, data: Path, env: dict[str, str]
) -> None:
    base = panel_result()
    long = "one two three four five six seven eight nine ten eleven twelve thirteen"
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    for at in (0, 1):
        rows[0]["rubric"][at]["requirement"] = f"{long} {at}"
    data.write_text("\n".join(map(json.dumps, rows)))
    first = base.arms[0].outcomes[0]
    leaked = first.model_copy(
        update={"answer": first.answer.model_copy(update={"text": f"It says: {long}"})}
    )
    arm = base.arms[0].model_copy(update={"outcomes": (leaked, *base.arms[0].outcomes[1:])})
    result = stored(tmp_path / "r.json", data, base.model_copy(update={"arms": (arm,)}))
    told = fusion("eval", "audit", str(result), "--data", str(data), "--json", env=env)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["arms"][0]["marked"] == ["task-0"]
    assert found["arms"][0]["score_without_marked"]["n"] == 23
    (mark,) = found["marks"]["solo A"]["task-0"]
    assert (mark["rule"], mark["where"], mark["count"]) == (
        "content: 12-gram, k >= 2", "answer", 2
    )  # fmt: skip
    assert long not in told.stdout
    told = fusion("eval", "audit", str(result), "--data", str(data), env=env)
    assert "look at task-0" in told.stdout


def test_an_audit_needs_the_rubrics(tmp_path: Path, data: Path, env: dict[str, str]) -> None:
    told = fusion("eval", "audit", str(stored(tmp_path / "r.json", data)), env=env)
    assert told.returncode == 2
    assert "--data" in told.stderr
