"""`fusion eval` as a user runs it: asked first, stopped, graded again, told what is wrong."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.evals.records import StoredResult
from tests.cli.processes import FUSION, ROOT, environment, in_terminal, run
from tests.evals.world import GRADER, grader, script, tasks_text
from tests.graph.cast import JUDGE, WRITER, A, B
from tests.scripted import Seen, scripted_server, structured
from tests.shared_data import FOLDER

pytestmark = pytest.mark.timeout(600)
DRACO = FOLDER / "draco" / "test.jsonl"
ARMS = ("--panel", f"{A},{B}", "--judge", JUDGE, "--writer", WRITER, "--tools", "none")


@asynccontextmanager
async def models(script: Any, folder: Path) -> AsyncIterator[tuple[Any, dict[str, str]]]:
    async with scripted_server(script) as server:
        keys = {"OPENROUTER_API_KEY": "sk-or-secret-key", "OPENROUTER_BASE_URL": server.base_url}
        yield server, keys | {"FUSION_EVALS": str(folder / "evals")}


async def fusion(*arguments: str, env: dict[str, str]) -> Any:
    return await asyncio.to_thread(run, *FUSION, *arguments, env=env, timeout_s=170)


def questions(folder: Path, number: int = 4) -> str:
    path = folder / "boxes.jsonl"
    path.write_text(tasks_text(number))
    return str(path)


async def test_a_result_is_printed_stored_and_graded_again(tmp_path: Path) -> None:
    boxes, one, two = questions(tmp_path), tmp_path / "one.json", tmp_path / "two.json"
    async with models(script({"g/second": grader}), tmp_path) as (server, env):
        ran = await fusion(
            "eval", "run", boxes, *ARMS, "--grader", GRADER, "--yes", "-o", str(one), env=env
        )
        assert ran.returncode == 0, ran.stderr
        assert "solo a" in ran.stdout
        assert "Estimate:" in ran.stderr
        before = len(server.requests)
        again = await fusion(
            "eval", "grade", str(one), "--data", boxes, "--grader", "g/second", "--yes",
            "-o", str(two), "--json", env=env,
        )  # fmt: skip
        assert again.returncode == 0, again.stderr
        asked = {seen.model for seen in server.requests[before:]}
    assert asked == {"g/second"}
    first, second = (StoredResult.from_json(path.read_text()) for path in (one, two))
    assert json.loads(again.stdout)["protocol"]["judge"] == "g/second"
    assert [arm.name for arm in second.arms] == [arm.name for arm in first.arms]
    assert [arm.scores for arm in second.arms] == [arm.scores for arm in first.arms]
    assert {one.agreement for one in second.calibrations} == {1.0}
    assert second.dataset == first.dataset


async def test_nothing_is_spent_before_the_user_agrees(tmp_path: Path) -> None:
    boxes = questions(tmp_path)
    async with models(script(), tmp_path) as (server, env):
        ran = await fusion("eval", "run", boxes, *ARMS, "--grader", GRADER, env=env)
        assert ran.returncode == 2
        assert "--yes" in ran.stderr
        command = (*FUSION, "eval", "run", boxes, *ARMS, "--grader", GRADER)
        assert await asyncio.to_thread(_declined, command, env) == 2
        assert not server.requests


def _declined(command: tuple[str, ...], env: dict[str, str]) -> int:
    with in_terminal(*command, env=env) as shown:
        shown.read_until("Go on without a spend cap?")
        os.write(shown.master, b"n\n")
        return shown.wait()


async def test_ctrl_c_keeps_what_was_paid(tmp_path: Path) -> None:
    boxes, out = questions(tmp_path, 12), tmp_path / "result.json"
    played, process = script(), list[asyncio.subprocess.Process]()
    counted = {"calls": 0}

    def part(seen: Seen) -> Any:
        counted["calls"] += 1
        if counted["calls"] == 60:
            process[0].send_signal(signal.SIGINT)
        return played(seen)

    arguments = ("eval", "run", boxes, *ARMS, "--grader", GRADER, "--yes", "-o", str(out))
    async with models(part, tmp_path) as (server, env):
        process.append(
            await asyncio.create_subprocess_exec(
                *FUSION, *arguments, cwd=ROOT, env=environment(env),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )
        )  # fmt: skip
        _, said = await process[0].communicate()
        assert process[0].returncode == 130, said.decode()
        assert "goes on from here" in said.decode()
        assert not out.exists()
        ran = await fusion(*arguments, env=env)
        assert ran.returncode == 0, ran.stderr
        calls = len(server.requests)
    whole = 12 * (2 + 2 + 3 * 5)
    assert whole <= calls <= whole + 24, "what was under way at the stop is asked for again"


async def test_an_arms_file_and_an_ablation_are_run_from_the_command_line(tmp_path: Path) -> None:
    arms = tmp_path / "arms.toml"
    arms.write_text(
        f'[settings]\ntools = []\njudge = "{JUDGE}"\nsynthesizer = "{WRITER}"\n'
        f'[members]\na = "{A}"\nb = "{B}"\n[arms.pair]\nmembers = ["a", "b"]\n'
        '[arms.bare]\nof = "pair"\nkind = "concat"\n'
    )
    boxes = questions(tmp_path, 2)
    async with models(script(), tmp_path) as (_, env):
        ran = await fusion(
            "eval", "run", boxes, "--arms", str(arms), "--grader", GRADER, "--yes", "--json",
            env=env,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    result = StoredResult.from_json(ran.stdout)
    assert [arm.name for arm in result.arms] == [
        "solo a",
        "solo b",
        "best of a + b",
        "pair",
        "bare",
    ]
    assert result.protocol.id == "cheap"
    assert result.prices


async def test_answers_by_hand_are_said_to_be(tmp_path: Path) -> None:
    """A queue of people is a server of one's own: `local:` models at LOCAL_BASE_URL."""
    boxes, out = questions(tmp_path, 1), tmp_path / "result.json"

    def of_the_paper(seen: Seen) -> Any:
        found = re.search(r"names (\w+).*<response>(.*)</response>", seen.last, re.S)
        assert found
        return structured({"criterion_status": "MET" if found[1] in found[2] else "UNMET"})

    async with models(script({GRADER: of_the_paper}), tmp_path) as (server, env):
        local = {"LOCAL_BASE_URL": server.base_url, "FUSION_EVALS": env["FUSION_EVALS"]}
        ran = await fusion(
            "eval", "run", boxes, "--panel", f"local:{A},local:{B}", "--judge", f"local:{JUDGE}",
            "--writer", f"local:{WRITER}", "--tools", "none", "--grader", f"local:{GRADER}",
            "--by-hand", "-o", str(out), "--protocol", "paper", "--passes", "1", env=local,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    result = StoredResult.from_json(out.read_text())
    assert result.served_by_hand
    assert result.spent_usd == 0.0
    assert result.arms[-1].settings["panel"][0]["timeout_s"] == 3600.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("draco", "--data", "{boxes}"), "is not draco"),
        (("nothing",), "there is no set or file"),
        (("{boxes}", "--protocol", "paper", "--ablate", "nojudge"), "no ablation 'nojudge'"),
        (("{boxes}", "--arms", "openrouter", "--panel", "a/b"), "stands in its file"),
        (("{boxes}", "--replay", "{boxes}"), "neither verdicts nor a report"),
        (("{boxes}", "--prompts", "{folder}"), "holds no prompt"),
    ],
)
async def test_what_cannot_be_run_is_refused_before_anything_starts(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    places = {"boxes": questions(tmp_path), "folder": str(tmp_path / "empty")}
    (tmp_path / "empty").mkdir()
    env = {"OPENROUTER_API_KEY": "sk-or-secret-key", "FUSION_EVALS": str(tmp_path / "evals")}
    filled = [one.format(**places) for one in arguments]
    ran = await fusion("eval", "run", *filled, "--yes", env=env)
    assert ran.returncode == 2, ran.stderr
    assert said in ran.stderr


async def test_a_missing_key_is_named_before_anything_is_estimated(tmp_path: Path) -> None:
    """The smoke run is what a user with a key runs first; here there is none."""
    if not DRACO.is_file():
        pytest.skip(f"{DRACO} is not here")
    env = {"FUSION_EVALS": str(tmp_path / "evals")}
    ran = await fusion("eval", "smoke", "--data", str(DRACO), "--yes", env=env)
    assert ran.returncode == 2
    assert "OPENROUTER_API_KEY is not set" in ran.stderr
    assert not (tmp_path / "evals").exists()


async def test_a_result_of_another_file_is_not_graded(tmp_path: Path) -> None:
    boxes, out = questions(tmp_path, 1), tmp_path / "one.json"
    async with models(script(), tmp_path) as (_, env):
        await fusion(
            "eval", "run", boxes, *ARMS, "--grader", GRADER, "--yes", "-o", str(out), env=env
        )
        other = tmp_path / "other.jsonl"
        other.write_text(tasks_text(1, 3))
        ran = await fusion("eval", "grade", str(out), "--data", str(other), "--yes", env=env)
    assert ran.returncode == 2
    assert "with sha256" in ran.stderr
