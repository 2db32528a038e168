"""Python clients built on OpenAI's: openai-agents, pydantic-ai, LiteLLM, LangChain.

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
from tests.server.conftest import Serving
from tests.server.openai.test_ai_sdk import PRESET

SCRIPT = Path(__file__).with_name("python_clients.py")
ANSWER, FOUND = "It is 42.", "Found: the register says 42."


def _writer(seen: Seen) -> Any:
    if "HANDOFF" in str(seen.messages) and seen.tool_names:
        return tool_calls([(seen.tool_names[0], {})])
    results = [one["content"] for one in seen.messages if one["role"] == "tool"]
    if results:
        return text(f"Found: {results[-1]}." if "register" in results[-1] else ANSWER)
    return tool_calls([("lookup", {"id": 7})]) if "CALL the" in str(seen.messages) else text(ANSWER)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the clients."""
    if given := os.environ.get("CLIENTS_PYTHON"):
        return Path(given)
    if os.environ.get("REQUIRE_CLIENTS") != "1":
        pytest.skip("REQUIRE_CLIENTS=1 installs the clients and runs them")
    folder = tmp_path_factory.mktemp("clients") / "venv"
    python = folder / "bin" / "python"
    needed = str(SCRIPT.with_suffix(".txt"))
    subprocess.run(["uv", "venv", "-q", str(folder)], check=True)
    subprocess.run(["uv", "pip", "install", "-q", "-p", str(python), "-r", needed], check=True)
    return python


async def test_python_clients_work_with_their_defaults(
    serving: Serving, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    presets = tmp_path / "presets.toml"
    presets.write_text(PRESET)
    monkeypatch.setenv("FUSION_PRESETS", str(presets))
    policy = ClientPolicy(default_preset="scripted")
    place = str(tmp_path / "runs.db")
    served = await serving(cast({WRITER: _writer}), policy=policy, runs=place)
    process = await asyncio.create_subprocess_exec(
        str(python), str(SCRIPT), f"{served.url}/v1",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-3000:]
    said = json.loads(out.decode().strip().splitlines()[-1])
    assert said["openai_agents"] == {
        "plain": ANSWER, "streamed": ANSWER, "tool": FOUND, "handoff": ["second", ANSWER],
    }  # fmt: skip
    for answers in said["pydantic_ai"].values():
        assert answers == [ANSWER, ANSWER, ANSWER, FOUND]
    assert said["litellm"] == {"chat": ANSWER, "responses": ANSWER}
    for answers in said["langchain_openai"].values():
        assert answers == [ANSWER, ANSWER, FOUND]
