"""A process that is killed while a member's command runs in its container."""

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

from langgraph_fusion.graph.journal.store import open_runs
from tests.cli.warm import warm_fusion
from tests.docker_engine import containers_of, require_docker
from tests.graph.cast import JUDGE, WRITER, A, cast
from tests.scripted import Reply, Seen, scripted_server, text, tool_calls

__all__ = ["require_docker"]

FIRST = "echo made >> /work/first; cat /work/first"
SECOND = "if [ -e /work/first ]; then sleep 170; fi; echo no first"
"""Goes on for minutes where the first command was run, and not where it was not."""
ASK = (
    "ask", "What is it?", "--json", "-q", "--tools", "bash",
    "--panel", A, "--judge", JUDGE, "--writer", WRITER,
)  # fmt: skip


def member(seen: Seen) -> Reply:
    commands = [FIRST, SECOND]
    if (done := len(seen.tool_results)) < len(commands):
        return tool_calls([("bash", {"command": commands[done]})])
    return text("It is 42.")


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
async def test_a_command_that_was_cut_off_is_run_again_and_a_finished_one_is_not(
    tmp_path: Path,
) -> None:
    async with scripted_server(cast({A: member})) as server:
        env = {
            "OPENROUTER_API_KEY": "sk-test",
            "OPENROUTER_BASE_URL": server.base_url,
            "FUSION_RUNS": str(tmp_path / "runs.db"),
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }
        asking = warm_fusion(tmp_path / "killed", env, *ASK)
        await _until(lambda: len(server.seen_by(A)) == 2)
        run_id = await _run_id(env["FUSION_RUNS"])
        await _until(lambda: _runs_in(run_id, "sleep 170"))
        asking.send(signal.SIGKILL)
        assert (await asking.ended())[0] == -signal.SIGKILL
        await _until(lambda: not containers_of(run_id))
        code, out, said = await warm_fusion(tmp_path / "again", env, "resume", "--json").ended()
        assert code == 0, said
    result: dict[str, Any] = json.loads(out)
    first, second = server.seen_by(A)[-1].tool_results
    assert first.startswith("made\n"), "the finished command's result is given back"
    assert second.startswith("no first\n"), (second, result["notes"])
    assert "the run was interrupted, and what your earlier commands left" in second
    assert len(server.seen_by(A)) == 3, "no reply is paid twice"
    answer = result["answers"][0]
    assert (answer["text"], answer["tool_calls"], answer["tool_errors"]) == ("It is 42.", 2, 0)
    assert not containers_of(run_id)


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not await asyncio.to_thread(happened):
            await asyncio.sleep(0.1)


async def _run_id(place: str) -> str:
    async with open_runs(place) as runs:
        assert runs is not None
        return (await runs.latest()).id


def _runs_in(run_id: str, command: str) -> bool:
    client = docker.from_env()
    try:
        listed = [client.api.top(one)["Processes"] for one in containers_of(run_id)]
        return any(command in " ".join(row) for rows in listed for row in rows)
    finally:
        client.close()
