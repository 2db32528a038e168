"""The real command, killed twice in the middle of a hundred tasks and four thousand verdicts."""

import asyncio
import hashlib
import json
import signal
from collections import Counter
from pathlib import Path

import pytest

from langgraph_fusion.evals.records import StoredResult
from tests.cli.processes import FUSION, ROOT, environment
from tests.evals.world import GRADER, dataset, expected_score, script, tasks_text
from tests.graph.cast import JUDGE, WRITER, A, B
from tests.scripted import Reply, Seen, scripted_server

TASKS, CRITERIA, ARMS = 100, 13, 3
VERDICTS = TASKS * CRITERIA * ARMS
AT_WORK = 8 + 16
"""Calls that may be under way: runs of the graph, and verdicts."""


@pytest.mark.timeout(600)
async def test_killed_twice_it_ends_with_the_right_numbers_and_pays_nothing_twice(
    tmp_path: Path,
) -> None:
    (tmp_path / "boxes.jsonl").write_text(tasks_text(TASKS, CRITERIA))
    played, asked = script(), Counter[str]()
    kill_at = [VERDICTS // 3, 2 * VERDICTS // 3]
    process: list[asyncio.subprocess.Process] = []

    def models(seen: Seen) -> Reply:
        what = json.dumps([seen.model, seen.messages]).encode()
        asked[hashlib.sha256(what).hexdigest()] += 1
        if kill_at and asked.total() >= kill_at[0]:
            kill_at.pop(0)
            process[-1].send_signal(signal.SIGKILL)
        return played(seen)

    async with scripted_server(models) as server:
        for ended in (-signal.SIGKILL, -signal.SIGKILL, 0):
            process.append(await start(tmp_path, server.base_url))
            _, said = await process[-1].communicate()
            assert process[-1].returncode == ended, said.decode()
        calls = Counter(seen.model for seen in server.requests)
    result = StoredResult.from_json((tmp_path / "result.json").read_text())
    check_numbers(result)
    least = {A: TASKS, B: TASKS, JUDGE: TASKS, WRITER: TASKS, GRADER: VERDICTS}
    assert all(calls[name] >= number for name, number in least.items())
    assert calls.total() - sum(least.values()) <= 2 * AT_WORK, "what was under way at the kills"
    assert asked.total() - len(asked) <= 2 * AT_WORK


def check_numbers(result: StoredResult) -> None:
    tasks = {task.id: task for task in dataset(TASKS, CRITERIA).tasks}
    assert [arm.name for arm in result.arms] == ["solo a", "solo b", "best member", "panel"]
    for arm in result.arms:
        assert arm.coverage == 1.0
        wanted = {id: expected_score(tasks[id], arm_text(arm, id)) for id in tasks}
        assert {id: round(score, 9) for id, score in arm.scores.items()} == {
            id: round(score, 9) for id, score in wanted.items()
        }


def arm_text(arm: object, task: str) -> str:
    outcome = arm.outcome(task)  # type: ignore[attr-defined]
    return str(outcome.answer.text)


async def start(folder: Path, base_url: str) -> asyncio.subprocess.Process:
    keys = {"OPENROUTER_API_KEY": "sk-or-secret-key", "OPENROUTER_BASE_URL": base_url}
    return await asyncio.create_subprocess_exec(
        *FUSION, "eval", "run", str(folder / "boxes.jsonl"), "--panel", f"{A},{B}",
        "--judge", JUDGE, "--writer", WRITER, "--tools", "none", "--grader", GRADER, "--yes",
        "--out", str(folder / "result.json"), "--at-once", "8",
        cwd=ROOT,
        env=environment(keys | {"FUSION_EVALS": str(folder / "evals")}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
