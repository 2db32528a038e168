"""Python clients: openai-agents, pydantic-ai, LiteLLM, LangChain, LlamaIndex, Inspect.

Slow to install, so only where `REQUIRE_CLIENTS=1` says so (`make test-clients`).
"""

import asyncio
import json
import os
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import WRITER, A, cast
from tests.images import BLUE, colours, data_url, png
from tests.scripted import Seen, text, tool_calls
from tests.server.attached import FILE_URL, READ, has_read, reads_the_file
from tests.server.conftest import Serving
from tests.server.openai.test_javascript_sdks import PRESET

SCRIPT = Path(__file__).with_name("python_clients.py")
ANSWER, FOUND, SEEN = "It is 42.", "Found: the register says 42.", "I see blue."


def _writer(seen: Seen) -> Any:
    if has_read(seen):
        return text(READ)
    if seen.images:
        return text(f"I see {colours(seen.images)}.")
    if "HANDOFF" in str(seen.messages) and seen.tool_names:
        return tool_calls([(seen.tool_names[0], {})])
    results = [one["content"] for one in seen.messages if one["role"] == "tool"]
    if results:
        return text(f"Found: {results[-1]}." if "register" in results[-1] else ANSWER)
    return tool_calls([("lookup", {"id": 7})]) if "CALL the" in str(seen.messages) else text(ANSWER)


Environments = Callable[[str], Path]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    """Make the environment of a file of requirements; returns its interpreter."""
    if os.environ.get("REQUIRE_CLIENTS") != "1":
        pytest.skip("REQUIRE_CLIENTS=1 installs the clients and runs them")

    def make(requirements: str) -> Path:
        folder = tmp_path_factory.mktemp("clients")
        venv.create(folder, with_pip=True)
        python = folder / "bin" / "python"
        needed = str(SCRIPT.with_name(requirements))
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "-r",
            needed,
        ]
        subprocess.run(install, check=True)
        return python

    return make


async def _run_clients(
    serving: Serving, python: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str
) -> dict[str, Any]:
    presets = folder / "presets.toml"
    presets.write_text(PRESET)
    monkeypatch.setenv("FUSION_PRESETS", str(presets))
    policy = ClientPolicy(default_preset="scripted")
    served = await serving(
        cast({A: reads_the_file, WRITER: _writer}), policy=policy, runs=str(folder / "runs.db")
    )
    process = await asyncio.create_subprocess_exec(
        str(python), str(SCRIPT), f"{served.url}/v1", *names,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "IMAGE": data_url(png(BLUE)), "FILE": FILE_URL},
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-3000:]
    return dict(json.loads(out.decode().strip().splitlines()[-1]))


@pytest.mark.timeout(900)
async def test_python_clients_work_with_their_defaults(
    serving: Serving, environment: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = environment("python_clients.txt")
    names = ("openai_agents", "pydantic_ai", "litellm", "langchain_openai", "llama_index")
    said = await _run_clients(serving, python, tmp_path, monkeypatch, *names)
    assert said["openai_agents"] == {
        "plain": ANSWER, "streamed": ANSWER, "tool": FOUND, "handoff": ["second", ANSWER],
        "seen": SEEN, "read": READ,
    }  # fmt: skip
    for answers in said["pydantic_ai"].values():
        assert answers == [ANSWER, ANSWER, ANSWER, FOUND, SEEN, READ]
    assert said["litellm"] == {"chat": ANSWER, "responses": ANSWER, "seen": SEEN, "read": READ}
    for answers in said["langchain_openai"].values():
        assert answers == [ANSWER, ANSWER, FOUND, SEEN, READ]
    for answers in said["llama_index"].values():
        assert answers == [ANSWER, ANSWER, FOUND, SEEN, READ]


@pytest.mark.timeout(900)
async def test_an_evaluation_of_inspect_runs_over_both_interfaces(
    serving: Serving, environment: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = environment("inspect_client.txt")
    said = await _run_clients(serving, python, tmp_path, monkeypatch, "inspect_ai")
    assert said["inspect_ai"] == {"chat": ["C", "C"], "responses": ["C", "C"]}
