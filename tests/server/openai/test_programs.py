"""Programs that chat, as people run them: codex and Continue.

Slow to install, so only where `REQUIRE_CLIENTS=1` says so (`make test-clients`).
"""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import WRITER, cast
from tests.scripted import Seen, text, tool_calls
from tests.server.conftest import Served, Serving
from tests.server.openai.test_javascript_sdks import PRESET

ANSWER, SECRET = "The register says 42.", "eleven herons"
TOOLS: dict[str, dict[str, Any]] = {
    "exec_command": {"cmd": "cat note.txt"},
}
"""How codex names the tool that runs a command, and what it takes."""
PACKAGES = ("@openai/codex", "@continuedev/cli")
pytestmark = pytest.mark.timeout(900)


def _writer(seen: Seen) -> Any:
    results = [str(one["content"]) for one in seen.messages if one["role"] == "tool"]
    if results:
        return text(f"The note says: {SECRET}." if SECRET in results[-1] else "No note was read.")
    offered = [name for name in TOOLS if name in seen.tool_names]
    if "READ the note" in str(seen.messages) and offered:
        return tool_calls([(offered[0], TOOLS[offered[0]])])
    return text(ANSWER)


@pytest.fixture(autouse=True, scope="module")
def _asked_for() -> None:
    if os.environ.get("REQUIRE_CLIENTS") != "1":
        pytest.skip("REQUIRE_CLIENTS=1 installs the programs and runs them")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the programs of npm."""
    folder = tmp_path_factory.mktemp("npm")
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent", *PACKAGES]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "node_modules" / ".bin"


@pytest.fixture
async def served(serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    presets = tmp_path / "presets.toml"
    presets.write_text(PRESET)
    monkeypatch.setenv("FUSION_PRESETS", str(presets))
    policy = ClientPolicy(default_preset="scripted")
    return await serving(cast({WRITER: _writer}), policy=policy, runs=str(tmp_path / "runs.db"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a note to read."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "note.txt").write_text(f"{SECRET}\n")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


async def _run(folder: Path, *command: str | Path, **variables: str) -> str:
    """Run a program to its end; returns what it printed."""
    home = folder / ".home"
    home.mkdir(exist_ok=True)
    places = {"HOME": str(home), "PWD": str(folder)}
    process = await asyncio.create_subprocess_exec(
        *map(str, command), cwd=folder, env=os.environ | places | variables,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 240)
    return out.decode()


async def test_codex_answers_and_runs_its_tool(
    programs: Path, served: Served, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(
        'model = "fusion"\nmodel_provider = "fusion"\n[model_providers.fusion]\nname = "Fusion"\n'
        f'base_url = "{served.url}/v1"\nwire_api = "responses"\n'
    )
    codex = (programs / "codex", "exec", "--skip-git-repo-check")
    unconfined = (*codex, "--dangerously-bypass-approvals-and-sandbox")  # it is alone here
    home = {"CODEX_HOME": str(tmp_path)}
    assert ANSWER in await _run(project, *codex, "What does the register say?", **home)
    assert SECRET in await _run(project, *unconfined, "READ the note", **home)


async def test_continue_answers(programs: Path, served: Served, project: Path) -> None:
    model = {"name": "Fusion", "provider": "openai", "model": "fusion", "apiKey": "none"}
    model |= {"apiBase": f"{served.url}/v1"}
    config = {"name": "Fusion", "version": "1.0.0", "schema": "v1", "models": [model]}
    (project / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    ask = (programs / "cn", "--config", "config.yaml", "-p")
    assert ANSWER in await _run(project, *ask, "What does the register say?")
