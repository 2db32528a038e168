"""Every example runs as its first lines say, without a key, against really started servers."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.processes import FUSION, ROOT, environment
from tests.langgraph_dev import langgraph_dev

EXAMPLES = ROOT / "examples"
ALONE = ("ask.py", "subgraph.py", "agent_tool.py", "own_tool.py", "own_preset.sh", "mcp_client.py")
SERVED = ("openai_client.py", "langserve_client.py", "curl.sh", "mcp_client.py")
ANSWER = "`check` verifies"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`fusion serve --preset offline` on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("served") / "log.txt"
    command = [*FUSION, "serve", "--preset", "offline", "--port", str(port)]
    with log.open("w") as out:
        running = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=out, stderr=out)
    try:
        _wait_for(port, running, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(60)


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[str]:
    async with langgraph_dev(tmp_path) as url:
        yield url


@pytest.mark.parametrize("name", ALONE)
def test_an_example_runs_alone(name: str) -> None:
    said = run_example(name)
    assert ("120 metres" if name == "own_tool.py" else ANSWER) in said


@pytest.mark.parametrize("name", SERVED)
def test_an_example_runs_against_the_server(name: str, server: str) -> None:
    assert ANSWER in run_example(name, {"FUSION_URL": server})


def test_the_javascript_client_runs_against_the_server(server: str, tmp_path: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("no npm on this machine")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "openai"]
    made = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    if made.returncode:
        pytest.skip(f"npm cannot install openai: {made.stderr[-200:]}")
    shutil.copy(EXAMPLES / "openai_client.mjs", tmp_path)
    said = _run(["node", str(tmp_path / "openai_client.mjs")], {"FUSION_URL": server})
    assert ANSWER in said
    assert "[run.started]" in said


async def test_the_langgraph_client_runs_against_a_langgraph_server(studio: str) -> None:
    said = await asyncio.to_thread(run_example, "langgraph_client.py", {"FUSION_URL": studio})
    assert said.count("[run.finished]") == 2


def test_the_table_lists_every_example() -> None:
    listed = set(
        re.findall(r"`([\w.]+\.(?:py|sh|toml|mjs))`", (EXAMPLES / "README.md").read_text())
    )
    assert listed == {path.name for path in EXAMPLES.iterdir() if path.is_file()} - {"README.md"}


def run_example(name: str, env: Mapping[str, str] | None = None) -> str:
    runner = {".py": sys.executable, ".sh": "sh"}[Path(name).suffix]
    return _run([runner, str(EXAMPLES / name)], env or {})


def _run(command: list[str], env: Mapping[str, str]) -> str:
    """Run from the root, with our command on the path; returns what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env=environment({"PATH": path, **env}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _wait_for(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        assert running.poll() is None, log.read_text()
        with socket.socket() as tried:
            tried.settimeout(0.25)
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.25)
    pytest.fail(log.read_text()[-3000:])
