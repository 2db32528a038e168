"""Kill a real process at random points; another one goes on, and pays for nothing twice.

`KILL_SEED=123 pytest tests/cli/commands/test_resume.py` repeats the points of a failed run.
"""

import asyncio
import itertools
import json
import os
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.graph.result import FusionResult
from tests.cli.warm import warm_fusion
from tests.cli.world import ASK, World, running
from tests.graph.cast import JUDGE, C
from tests.postgres_server import postgres

__all__ = ["postgres"]

KILLS = 20


async def whole_run(folder: Path) -> tuple[FusionResult, World]:
    world = World()
    async with running(world) as env:
        env["FUSION_RUNS"] = str(folder / "runs.db")
        code, out, said = await warm_fusion(folder, env, *ASK).ended()
    assert code == 0, said
    return FusionResult.model_validate_json(out), world


async def killed_and_resumed(
    world: World, folder: Path, place: str | None = None
) -> FusionResult | None:
    """The result of the run that was killed; None if it was as good as finished."""
    async with running(world) as env:
        env["FUSION_RUNS"] = path = place or str(folder / "runs.db")
        world.process = warm_fusion(folder / "killed", env, *ASK)
        code, _, said = await world.process.ended()
        assert code in (0, -9), said
        async with open_runs(path) as runs:
            assert isinstance(runs, RunRepository)
            record = await runs.latest()
        if record.now == "finished":
            return None
        assert (code, record.now) == (-9, "interrupted")
        again = ("resume", record.id, "--json", "-q")
        code, out, said = await warm_fusion(folder / "resumed", env, *again).ended()
        assert code == 0, said
        async with open_runs(path) as runs:
            assert isinstance(runs, RunRepository)
            assert (await runs.get(record.id)).now == "finished"
    return FusionResult.model_validate_json(out)


def summary(result: FusionResult) -> Any:
    """What has to be the same however often a run was killed."""
    return {
        "answers": [(one.seat, one.round, one.text, one.status) for one in result.answers],
        "tool_calls": [(one.seat, one.round, one.tool_calls) for one in result.answers],
        "answer": result.answer,
        "sources": [(one.id, one.url, one.number) for one in result.sources],
        "follow_ups": [one.id for one in result.follow_ups],
        "failed": result.failed_members,
        "calls": Counter(
            (call.seat, call.round, call.model) for call in result.bill.calls if not call.error
        ),
    }


def check_one(world: World, result: FusionResult, whole: FusionResult) -> None:
    repeated = world.repeated()
    assert set(repeated) <= world.under_way(), "only what was under way is asked for again"
    assert max(Counter(repeated).values(), default=1) == 1
    assert summary(result) == summary(whole)
    assert result.bill.total.known_cost_usd == pytest.approx(whole.bill.total.known_cost_usd)
    lost = [call for call in result.bill.calls if call.error == "interrupted"]
    repeated_calls = [what for _, what in repeated if not what.startswith("search ")]
    assert len(repeated_calls) <= len(lost), "what may have been paid twice is on the bill"
    assert all(call.cost_usd is None for call in lost)


async def killed_somewhere(
    chance: random.Random, happenings: int, folder: Path
) -> tuple[World, FusionResult]:
    """One kill at a random moment; a moment after the end is no kill, and drawn again."""
    for draw in itertools.count():
        world = World(kill_at=chance.randint(1, happenings), delay_s=chance.uniform(0, 0.15))
        result = await killed_and_resumed(world, folder / str(draw))
        if result is not None:
            return world, result
    raise AssertionError("never reached")


@pytest.mark.timeout(300)
async def test_a_run_killed_at_twenty_random_points_goes_on_and_repeats_nothing_finished(
    tmp_path: Path,
) -> None:
    seed = int(os.environ.get("KILL_SEED") or random.randrange(2**32))
    print(f"KILL_SEED={seed}")
    whole, reference = await whole_run(tmp_path)
    side_by_side = asyncio.Semaphore(3)

    async def one(number: int) -> str | None:
        chance = random.Random(f"{seed} {number}")
        async with side_by_side:
            world, result = await killed_somewhere(
                chance, len(reference.happened), tmp_path / str(number)
            )
        try:
            check_one(world, result, whole)
        except AssertionError as error:
            return f"{world.delay_s:.3f} s after happening {world.kill_at}: {error}"
        return None

    found = await asyncio.gather(*map(one, range(KILLS)))
    assert not [wrong for wrong in found if wrong]


@pytest.mark.timeout(300)
async def test_a_run_that_is_kept_in_postgresql_is_killed_and_resumed_as_well(
    tmp_path: Path, postgres: str
) -> None:
    whole, reference = await whole_run(tmp_path / "whole")
    world = World(kill_at=len(reference.happened) // 2)
    result = await killed_and_resumed(world, tmp_path, postgres)
    assert result is not None
    check_one(world, result, whole)
    assert [path.parent.name for path in tmp_path.rglob("*.db")] == ["whole"], "nothing elsewhere"


async def test_ctrl_c_says_how_to_go_on_and_resume_takes_the_last_run(tmp_path: Path) -> None:
    world = World()
    async with running(world) as env:
        env["FUSION_RUNS"] = str(tmp_path / "runs.db")
        asking = warm_fusion(tmp_path / "asked", env, *ASK)
        while not any(who == JUDGE for who, _ in world.happened):
            await asyncio.sleep(0.01)
        asking.send(signal.SIGINT)
        code, out, said = await asking.ended()
        stopped = json.loads(out)["partial"]
        assert code == 130
        assert [one["seat"] for one in stopped["answers"]] == ["C", "B", "A"]
        assert f"`fusion resume {stopped['run_id']}` goes on" in said
        made = len(world.happened)
        code, out, said = await warm_fusion(tmp_path / "resumed", env, "resume", "--json").ended()
    assert code == 0, said
    assert f"Going on with run {stopped['run_id']}" in said
    assert "“What is it?”" in said
    assert json.loads(out)["run_id"] == stopped["run_id"]
    assert C not in [who for who, _ in world.happened[made:]]


async def test_a_run_that_failed_is_resumed_once_the_cause_is_gone(tmp_path: Path) -> None:
    world = World(broke=True)
    async with running(world) as env:
        env["FUSION_RUNS"] = str(tmp_path / "runs.db")
        code, out, said = await warm_fusion(tmp_path / "asked", env, *ASK).ended()
        assert code == 1
        assert json.loads(out)["error"]["reason"] == "insufficient_credits"
        assert "goes on" in said
        world.broke = False
        code, out, said = await warm_fusion(
            tmp_path / "resumed", env, "resume", "--json", "-q"
        ).ended()
    assert code == 0, said
    assert [one["status"] for one in json.loads(out)["panel"]] == ["ok", "ok", "ok"]
