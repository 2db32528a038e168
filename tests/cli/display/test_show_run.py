"""A run that has its answer is over for its user only when the answer is out."""

import asyncio
import fcntl
import json
import select
import subprocess
from pathlib import Path

from langgraph_fusion.graph.journal.store import open_runs
from tests.cli.processes import FUSION, ROOT, environment
from tests.cli.warm import warm_fusion
from tests.cli.world import ANSWER, ASK, World, running

_PIPE = 4096
"""Bytes that a pipe takes before its writer has to wait; the result is longer."""


async def test_an_answer_that_was_killed_on_its_way_out_is_not_lost(tmp_path: Path) -> None:
    world = World()
    async with running(world) as env:
        env["FUSION_RUNS"] = path = str(tmp_path / "runs.db")
        await asyncio.to_thread(_killed_while_it_prints, env)
        async with open_runs(path) as runs:
            assert runs is not None
            assert (await runs.latest()).now == "interrupted"
        made = len(world.happened)
        code, out, said = await warm_fusion(tmp_path / "again", env, "resume", "--json").ended()
        assert code == 0, said
        async with open_runs(path) as runs:
            assert runs is not None
            record = await runs.latest()
            assert (record.now, (await runs.journal(record)).keys) == ("finished", [])
    result = json.loads(out)
    assert len(world.happened) == made, "nothing is paid again"
    assert result["answer"].startswith(ANSWER[:20])
    assert all(call["error"] is None for call in result["bill"]["calls"])


def _killed_while_it_prints(env: dict[str, str]) -> None:
    """Nobody reads what it prints, so that it hangs in the middle of it."""
    asking = subprocess.Popen(
        [*FUSION, *ASK], stdout=subprocess.PIPE, cwd=ROOT, env=environment(env)
    )
    assert asking.stdout is not None
    with asking, asking.stdout as printed:
        fcntl.fcntl(printed, fcntl.F_SETPIPE_SZ, _PIPE)
        select.select([printed], [], [], 120)
        assert asking.poll() is None
        asking.kill()
