"""Every score that others recorded is reproduced; no rubric text stands in this file."""

from functools import cache
from pathlib import Path

import pytest

from langgraph_fusion.evals.datasets.dataset import DataSet
from langgraph_fusion.evals.datasets.load import load_dataset
from langgraph_fusion.evals.recorded.read import read_recorded
from langgraph_fusion.evals.recorded.replay import outcome_of, recorded_arms
from langgraph_fusion.evals.recorded.rows import RecordedVerdicts
from langgraph_fusion.evals.recorded.trustedrouter import parsed_again
from langgraph_fusion.evals.records import Task
from langgraph_fusion.evals.scoring import score_task
from tests.shared_data import FOLDER, rows

JUDGED = {
    "rejudge-sota5-frontier-opusfuser": (100, 70.64674309, 3934, 2488),
    "rejudge-sota5-frontier-glmfuser": (99, 71.83256621, 3882, None),
    "rejudge-fusion-client-budget-opus-full100": (100, 60.75425411, 3934, None),
}


def here(name: str) -> Path:
    path = FOLDER / "draco" / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path


@cache
def draco() -> DataSet:
    return load_dataset("draco", here("test.jsonl"))


def task(id: str) -> Task:
    return next(one for one in draco().tasks if one.id == id)


@pytest.mark.parametrize("name", JUDGED)
def test_every_recorded_score_is_reproduced_bit_for_bit(name: str) -> None:
    n, mean, verdicts, met = JUDGED[name]
    data = draco()
    (arm,) = recorded_arms([here(f"{name}.jsonl")])
    outcomes = [outcome_of(arm, one) for one in data.tasks]
    scores = {one.task: one.score.score for one in outcomes if one.score}
    recorded = {id: one.score for id, one in arm.verdicts.items() if one.error is None}
    assert scores == recorded
    assert len(scores) == n
    assert sum(scores.values()) / n == pytest.approx(mean, abs=1e-8)
    assert sum(one.obtained for one in outcomes) == verdicts
    if met is not None:
        assert sum(bool(v.met) for one in outcomes for v in one.verdicts) == met


@pytest.mark.parametrize("name", JUDGED)
def test_what_the_judge_wrote_is_parsed_to_the_stored_verdicts(name: str) -> None:
    compared = 0
    for row in rows(f"draco/{name}.jsonl"):
        if "judges" not in row:
            continue
        stored = {one["id"]: one["met"] for one in row["judges"][0]["criteria"]}
        assert parsed_again(row, list(stored)) == stored
        compared += 1
    assert compared == JUDGED[name][0]


def test_the_fixture_of_another_harness_is_reproduced() -> None:
    (found,) = read_recorded(here("openrouter_harness/262b3145.verdicts.json"))
    assert isinstance(found, RecordedVerdicts)
    scored = score_task(task(found.task), found.verdicts, found.passes)
    assert scored is not None
    assert (scored.raw, scored.positive) == (178, 238)
    assert scored.score == 74.78991596638656
    assert scored.pass_rate == 80.0
    assert found.judge_usd == 0.5149816
    assert found.weights == {one.id: one.weight for one in task(found.task).criteria}


def test_a_refusal_of_the_writer_is_one_and_counts_under_both_conventions() -> None:
    (arm,) = recorded_arms([here("rejudge-sota5-frontier-glmfuser.jsonl")])
    outcomes = [outcome_of(arm, one) for one in draco().tasks]
    (refused,) = [one for one in outcomes if one.answer.refused]
    assert (refused.score, refused.due) == (None, 0)
    zeros = [one.score.score if one.score else 0.0 for one in outcomes]
    assert sum(zeros) / len(zeros) == pytest.approx(71.11424055, abs=1e-8)


def test_reports_and_verdicts_of_one_configuration_are_joined() -> None:
    paths = [here("fusion-frontier-opus.jsonl"), here("rejudge-sota5-frontier-opusfuser.jsonl")]
    (arm,) = recorded_arms(paths)
    outcomes = [outcome_of(arm, one) for one in draco().tasks]
    assert all(one.answer.text and one.score for one in outcomes)
    assert sum(one.answer.finish == "length" for one in outcomes) == 36


def test_solo_reports_keep_their_time_and_their_tool_calls() -> None:
    (arm,) = recorded_arms([here("solo-opus.jsonl")])
    answers = [one.answer for one in arm.reports.values()]
    assert sum(one.tool_calls or 0 for one in answers) == 1311
    seconds = [one.seconds or 0 for one in answers]
    assert sum(seconds) / len(seconds) == pytest.approx(175, abs=1)
    assert all(one.cost_usd is None for one in answers)
