"""Programs that chat, as people run them: codex, opencode, Cline, Continue, aider, LiteLLM's proxy.

Slow to install, so only where `REQUIRE_CLIENTS=1` says so (`make test-clients`).
"""

import asyncio
import json
import os
import socket
import subprocess
import venv
from pathlib import Path
from typing import Any

import httpx2
import pytest

from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import WRITER, A, cast
from tests.scripted import Seen, text, tool_calls
from tests.server.conftest import Served, Serving
from tests.server.openai.test_javascript_sdks import PRESET

ANSWER, SECRET = "The register says 42.", "eleven herons"
TOOLS: dict[str, dict[str, Any]] = {
    "exec_command": {"cmd": "cat note.txt"},
    "bash": {"command": "cat note.txt", "description": "Read the note"},
    "run_commands": {"commands": ["cat note.txt"]},
}
"""How codex, opencode and Cline name the tool that runs a command, and what it takes."""
PACKAGES = ("@openai/codex", "opencode-ai", "cline", "@continuedev/cli")
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
    post = folder / "node_modules" / "opencode-ai" / "postinstall.mjs"
    if post.exists():  # npm does not run it unless it was allowed to
        subprocess.run(["node", post.name], cwd=post.parent, check=False, capture_output=True)
    return folder / "node_modules" / ".bin"


@pytest.fixture(scope="module")
def python_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the programs of PyPI."""
    folder = tmp_path_factory.mktemp("pip")
    venv.create(folder, with_pip=True)
    needed = str(Path(__file__).with_name("programs.txt"))
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "-r", needed]
    subprocess.run(install, check=True)
    return folder / "bin"


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
    process = await asyncio.create_subprocess_exec(
        *map(str, command), cwd=folder, env=os.environ | {"HOME": str(home)} | variables,
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


async def test_opencode_answers_and_runs_its_tool(
    programs: Path, served: Served, project: Path
) -> None:
    options = {"baseURL": f"{served.url}/v1", "apiKey": "none"}
    models: dict[str, Any] = {"fusion": {}, "fusion/direct": {}}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": models}
    (project / "opencode.json").write_text(
        json.dumps(
            {
                "provider": {"fusion": provider},
                "model": "fusion/fusion",
                "small_model": "fusion/fusion/direct",
            }
        )
    )
    quiet = {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}
    run = (programs / "opencode", "run")
    assert ANSWER in await _run(project, *run, "What does the register say?", **quiet)
    assert SECRET in await _run(project, *run, "READ the note", **quiet)
    panel, writer = served.models.seen_by(A), served.models.seen_by(WRITER)
    assert len(panel) < len(writer)  # titles cost one call, and results of tools no panel


async def test_cline_answers_and_runs_its_tool(
    programs: Path, served: Served, project: Path
) -> None:
    data = ("--data-dir", project / ".cline")
    address = ("-k", "none", "-m", "fusion", "-b", f"{served.url}/v1")
    await _run(project, programs / "cline", "auth", "-p", "openai", *address, *data)
    ask = (programs / "cline", *data, "-P", "openai-compatible", "-m", "fusion", "--json")
    assert ANSWER in await _run(project, *ask, "What does the register say?")
    assert f"The note says: {SECRET}" in await _run(project, *ask, "READ the note")


async def test_continue_answers(programs: Path, served: Served, project: Path) -> None:
    model = {"name": "Fusion", "provider": "openai", "model": "fusion", "apiKey": "none"}
    model |= {"apiBase": f"{served.url}/v1"}
    config = {"name": "Fusion", "version": "1.0.0", "schema": "v1", "models": [model]}
    (project / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    ask = (programs / "cn", "--config", "config.yaml", "-p")
    assert ANSWER in await _run(project, *ask, "What does the register say?")


async def test_aider_answers(python_programs: Path, served: Served, project: Path) -> None:
    models = ("--model", "openai/fusion", "--weak-model", "openai/fusion/direct")
    quiet = ("--no-check-update", "--no-show-model-warnings", "--yes-always", "--no-pretty")
    ask = ("--chat-mode", "ask", "--message", "What does the register say?")
    where = {"OPENAI_API_BASE": f"{served.url}/v1", "OPENAI_API_KEY": "none"}
    said = await _run(project, python_programs / "aider", *models, *quiet, *ask, **where)
    assert ANSWER in said


async def test_the_proxy_of_litellm_passes_chats_streams_and_responses_on(
    python_programs: Path, served: Served, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    way = {"model": "openai/fusion", "api_base": f"{served.url}/v1", "api_key": "none"}
    config = {"model_list": [{"model_name": "fusion", "litellm_params": way}]}
    (tmp_path / "proxy.yaml").write_text(json.dumps(config))
    proxy = await asyncio.create_subprocess_exec(
        python_programs / "litellm", "--config", tmp_path / "proxy.yaml", "--port", port,
        env=os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    question = {"messages": [{"role": "user", "content": "What does the register say?"}]}
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            await _until_it_listens(client)
            chat = await client.post("/v1/chat/completions", json={"model": "fusion"} | question)
            assert chat.json()["choices"][0]["message"]["content"] == ANSWER
            streamed = {"model": "fusion", "stream": True} | question
            said = (await client.post("/v1/chat/completions", json=streamed)).text
            assert ANSWER in said
            assert said.rstrip().endswith("[DONE]")
            ask = {"model": "fusion", "input": "What does the register say?"}
            assert ANSWER in (await client.post("/v1/responses", json=ask)).text
    finally:
        proxy.terminate()
        await proxy.wait()


async def _until_it_listens(client: httpx2.AsyncClient) -> None:
    while True:
        try:
            await client.get("/health/liveliness")
        except httpx2.TransportError:
            await asyncio.sleep(0.5)
        else:
            return
