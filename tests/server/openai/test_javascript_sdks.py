"""Vercel's AI SDK and LangChain.js, with their defaults."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import JUDGE, PANEL, WRITER, A, cast
from tests.images import GREEN, colours, data_url, png
from tests.scripted import Seen, text, tool_calls
from tests.server.attached import FILE_URL, READ, has_read, reads_the_file
from tests.server.conftest import Served, Serving

FOLDER = Path(__file__).parent
PACKAGES = ("ai", "@ai-sdk/openai", "@langchain/core", "@langchain/openai", "zod")
PRESET = f"""
[scripted]
description = "Scripted models"
panel = {json.dumps(list(PANEL))}
judge = "{JUDGE}"
synthesizer = "{WRITER}"
tools = []
"""


def _writer(seen: Seen) -> Any:
    if has_read(seen):
        return text(READ)
    if seen.images:
        return text(f"I see {colours(seen.images)}.")
    shown = str(seen.messages)
    if any(one["role"] == "tool" for one in seen.messages):
        return text(f"Found: {seen.tool_results[-1]}.")
    if "CALL the tool" in shown:
        return tool_calls([("lookup", {"id": 7})])
    return text('{"n": 42}' if "JSON please" in shown else "It is 42.")


@pytest.fixture(scope="module")
def npm_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("node") or not shutil.which("npm"):
        if os.environ.get("REQUIRE_NODE") == "1":
            pytest.fail("REQUIRE_NODE=1 and there is no node or npm")
        pytest.skip("no node and npm on this machine")
    folder = tmp_path_factory.mktemp("ai-sdk")
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent", *PACKAGES]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for script in ("ai_sdk.mjs", "langchain.mjs"):
        shutil.copy(FOLDER / script, folder)
    return folder


async def _run(
    serving: Serving, script: str, project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, Served]:
    presets = folder / "presets.toml"
    presets.write_text(PRESET)
    monkeypatch.setenv("FUSION_PRESETS", str(presets))
    policy = ClientPolicy(default_preset="scripted")
    served = await serving(
        cast({A: reads_the_file, WRITER: _writer}), policy=policy, runs=str(folder / "runs.db")
    )
    process = await asyncio.create_subprocess_exec(
        "node", script, f"{served.url}/v1", data_url(png(GREEN)), FILE_URL,
        cwd=project, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out.decode().strip().splitlines()[-1]), served


async def test_langchain_js_works_over_both_interfaces(
    serving: Serving, npm_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, _ = await _run(serving, "langchain.mjs", npm_project, tmp_path, monkeypatch)
    answers = ["It is 42.", "It is 42.", "Found: the register says 42.", "I see green.", READ]
    assert said == {"chat": answers, "responses": answers}


async def test_the_ai_sdk_works_with_its_defaults(
    serving: Serving, npm_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, served = await _run(serving, "ai_sdk.mjs", npm_project, tmp_path, monkeypatch)
    assert said["text"] == said["second"] == said["stream"] == "It is 42."
    assert said["finish"] == "stop"
    assert said["steps"] == 2
    assert said["afterTool"] == "Found: the register says 42."
    assert said["object"] == {"n": 42}
    assert said["seen"] == ["I see green."] * 2
    assert said["read"] == [READ] * 2
    assert "It is 42." in str(served.models.seen_by(PANEL[0])[1].messages)
