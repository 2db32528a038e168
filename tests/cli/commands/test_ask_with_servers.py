"""A command that is stopped or killed leaves no tool server behind, nor what one started."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.processes import FUSION, environment
from tests.graph.cast import A, cast
from tests.scripted import scripted_server, tool_calls
from tests.tools.mcp import real_server

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_no_process_of_a_server_is_left(number: signal.Signals, tmp_path: Path) -> None:
    seen = tmp_path / "seen.txt"
    program = json.dumps([real_server.__file__, "family"])
    (tmp_path / "mcp.toml").write_text(
        f"[library]\ncommand = {json.dumps(sys.executable)}\nargs = {program}\nenv = ['SEEN_FILE']"
    )
    (tmp_path / "presets.toml").write_text(
        f'[p]\npanel = ["{A}"]\njudge = "none"\nsynthesizer = "{A}"\ntools = ["mcp:library"]\n'
    )
    async with scripted_server(cast({A: tool_calls([("library__slow", {})])})) as server:
        env = environment({
            "FUSION_MCP": str(tmp_path / "mcp.toml"), "SEEN_FILE": str(seen),
            "FUSION_PRESETS": str(tmp_path / "presets.toml"), "FUSION_RUNS": "off",
            "OPENROUTER_API_KEY": "k", "OPENROUTER_BASE_URL": server.base_url,
        })  # fmt: skip
        command = [*FUSION, "ask", "-p", "p", "What is it?"]
        process = subprocess.Popen(
            command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while not server.requests:
                assert process.poll() is None
                await asyncio.sleep(0.02)
            pids = [int(line.split()[1]) for line in seen.read_text().splitlines()]
            assert len(pids) == 2
            assert all(map(_runs, pids))
            process.send_signal(number)
            await asyncio.to_thread(process.wait, 30)
            for _ in range(500):
                if not any(map(_runs, pids)):
                    break
                await asyncio.sleep(0.02)
            assert not any(map(_runs, pids))
        finally:
            process.kill()
            process.wait()
