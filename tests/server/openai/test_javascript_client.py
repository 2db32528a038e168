"""OpenAI's official JavaScript client, unchanged, against a running server."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.graph.cast import WRITER, A, C, cast
from tests.images import BLUE, colours, data_url, png
from tests.scripted import Reply, Seen, status, text
from tests.server.asking import PANEL
from tests.server.attached import FILE_URL as FILE
from tests.server.attached import READ, has_read, reads_the_file
from tests.server.conftest import Serving

SCRIPT = Path(__file__).with_name("client.mjs")


@pytest.fixture(scope="module")
def npm_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the client is installed."""
    if not shutil.which("node") or not shutil.which("npm"):
        if os.environ.get("REQUIRE_NODE") == "1":
            pytest.fail("REQUIRE_NODE=1 and there is no node or npm")
        pytest.skip("no node and npm on this machine")
    folder = tmp_path_factory.mktemp("npm")
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent", "openai@7"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shutil.copy(SCRIPT, folder)
    return folder


async def test_the_javascript_client_works_unchanged(serving: Serving, npm_project: Path) -> None:
    served = await serving(cast({A: reads_the_file, C: status(401), WRITER: _writer}))
    said = await _run(npm_project, f"{served.url}/v1", PANEL, data_url(png(BLUE)), FILE)
    for way in ("chat", "chatStream", "response", "helper", "plugin"):
        assert said[way] == "It is 42.", way
    assert said["items"] == ["openrouter:fusion", "message"]
    assert said["seen"] == ["I see blue."] * 2
    assert said["read"] == [READ] * 2
    assert said["usage"] > 0
    assert said["run"]
    assert "response.fusion_call.panel.failed" in said["events"]
    assert said["events"][0] == "response.created"
    assert said["events"][-1] == "response.completed"
    assert {"fusion", "openrouter/fusion", "openrouter/fusion-flash"} <= set(said["models"])
    assert said["error"]["status"] == 400
    assert said["error"]["name"] == "BadRequestError"
    assert said["error"]["param"] == "nonsense"


def _writer(seen: Seen) -> Reply:
    if has_read(seen):
        return text(READ)
    return text(f"I see {colours(seen.images)}." if seen.images else "It is 42.")


async def _run(folder: Path, *arguments: Any) -> dict[str, Any]:
    given = [one if isinstance(one, str) else json.dumps(one) for one in arguments]
    process = await asyncio.create_subprocess_exec(
        "node", SCRIPT.name, *given,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return dict(json.loads(out))
