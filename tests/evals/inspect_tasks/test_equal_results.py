"""Whichever way an evaluation is run, by `fusion` or by `inspect`, its scores are the same."""

import asyncio
import json
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.evals.datasets.load import load_dataset
from langgraph_fusion.evals.evaluate import evaluate
from langgraph_fusion.evals.records import ArmResult
from langgraph_fusion.evals.report.arm_summary import summarise_arm
from tests.evals.recorded_scores import OPUS, recorded_scores
from tests.evals.world import GRADER, SECRET, plan, script, tasks_text
from tests.graph.cast import JUDGE, WRITER, A, B, settings
from tests.graph.conftest import Price, Serve
from tests.shared_data import FOLDER

pytestmark = pytest.mark.timeout(600)  # Inspect takes seconds to load, each time
TASKS = 6
Log = dict[str, Any]


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("FUSION_EVALS", str(tmp_path / "evals"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


async def inspect(task: str, given: dict[str, Any], place: Path, *more: str) -> tuple[int, str]:
    """Run `inspect eval` on a task of ours; returns its exit code and what it printed."""
    config = place / "task.json"
    config.write_text(json.dumps(given))
    command = Path(sys.executable).with_name("inspect")
    process = await asyncio.create_subprocess_exec(
        *(str(command), "eval", f"langgraph_fusion/{task}", "--model", "none/none"),
        *("--task-config", str(config), "--log-dir", str(place / "logs"), "--log-format", "json"),
        *("--display", "plain", *more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        cwd=place,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def inspected(task: str, given: dict[str, Any], place: Path, *more: str) -> Log:
    """The log of `inspect eval`."""
    code, said = await inspect(task, given, place, *more)
    assert code == 0, said
    newest = max((place / "logs").glob("*.json"), key=lambda path: path.stat().st_mtime)
    log: Log = json.loads(newest.read_text())
    assert log["status"] == "success", said
    return log


def scores_in(log: Log) -> dict[str, float]:
    found = {}
    for sample in log["samples"]:
        (score,) = sample["scores"].values()
        found[str(sample["id"])] = float(score["value"])
    return found


def metrics_in(log: Log) -> dict[str, Any]:
    return {
        name: metric["value"]
        for one in log["results"]["scores"]
        for name, metric in one["metrics"].items()
    }


def boxes(place: Path) -> Path:
    path = place / "boxes.jsonl"
    path.write_text(tasks_text(TASKS))
    return path


def own(file: Path, arm: str) -> dict[str, Any]:
    given = settings(panel=[A, B], judge=JUDGE, synthesizer=WRITER).model_dump(mode="json")
    how = {"arm": arm, "settings": given, "protocol": "cheap", "judge": GRADER}
    return {"file": str(file), **how}


async def test_a_run_over_a_server_scores_the_same_both_ways(
    serve: Serve, priced: Price, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await serve(script())
    file = boxes(place)
    result = await evaluate(plan(load_dataset(str(file))))
    ours = result.arm("panel")
    assert ours

    before = len(server.requests)
    shared = await inspected("own", own(file, "panel"), place)
    assert len(server.requests) == before, "what is stored is not paid again"

    monkeypatch.setenv("FUSION_EVALS", str(place / "fresh"))
    fresh = await inspected("own", own(file, "panel"), place)
    assert len(server.requests) > before
    for log in (shared, fresh):
        assert scores_in(log) == ours.scores
        _has_the_same_statistics(log, ours)
        assert SECRET not in json.dumps(log)


def _has_the_same_statistics(log: Log, ours: ArmResult) -> None:
    metrics, summary = metrics_in(log), summarise_arm(ours)
    assert summary.score.t
    assert summary.score.bootstrap
    assert metrics["score"] == pytest.approx(summary.score.mean)
    assert metrics["score_n"] == summary.score.n
    assert metrics["score_t_low"] == pytest.approx(summary.score.t.low)
    assert metrics["score_bootstrap_high"] == pytest.approx(summary.score.bootstrap.high)
    assert metrics["score_with_zeros"] == pytest.approx(summary.score_with_zeros.mean)
    assert metrics["coverage"] == summary.coverage


async def test_recorded_verdicts_score_the_same_both_ways(place: Path) -> None:
    recorded = recorded_scores(OPUS)
    files = [str(FOLDER / OPUS), str(FOLDER / "draco/fusion-frontier-opus.jsonl")]
    given = {"dataset": "draco", "files": files, "data": str(FOLDER / "draco/test.jsonl")}
    log = await inspected("replay", given, place)
    assert scores_in(log) == pytest.approx(recorded)
    metrics = metrics_in(log)
    assert metrics["score"] == pytest.approx(70.64674309, abs=5e-9)
    assert (metrics["score_t_low"], metrics["score_t_high"]) == pytest.approx(
        (67.57, 73.73), abs=5e-3
    )


async def test_an_epoch_takes_further_samples_of_the_members(
    serve: Serve, priced: Price, place: Path
) -> None:
    server = await serve(script())
    await inspected("own", own(boxes(place), "panel"), place, "--epochs", "2", "--limit", "2")
    asked = [seen for seen in server.seen_by(A) if not seen.wants_json]
    assert len(asked) == 4


def test_inspect_finds_the_tasks_by_the_name_of_the_package() -> None:
    (entry,) = entry_points(group="inspect_ai", name="langgraph_fusion")
    assert entry.value == "langgraph_fusion.evals._registry"


async def test_an_unknown_arm_is_refused_by_name(place: Path) -> None:
    code, said = await inspect("own", own(boxes(place), "best member"), place)
    assert code != 0
    assert "there is no arm 'best member'" in " ".join(said.split())


async def test_expected_answers_need_no_judge(serve: Serve, priced: Price, place: Path) -> None:
    sample = FOLDER / "samples" / "ramdocs_conflict.jsonl"
    if not sample.is_file():
        pytest.skip(f"{sample} is not here")
    given = {"preset": "offline", "data": str(sample), "settings": {"tools": ["docs"]}}
    log = await inspected("ramdocs", given, place, "--limit", "2")
    assert set(scores_in(log).values()) <= {0.0, 100.0}
    assert metrics_in(log)["score_n"] == 2
