"""`langgraph dev` loads the graph and runs it; Studio talks to the same API."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real `langgraph dev` without keys, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("studio") / "log.txt"
    env = {name: os.environ[name] for name in ("PATH", "HOME")}
    env |= {"XDG_CACHE_HOME": str(log.parent), "LANGSMITH_TRACING": "false"}
    command = [
        str(Path(sys.executable).with_name("langgraph")),
        "dev",
        "--no-browser",
        "--no-reload",
    ]
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, "--port", str(port)], cwd=ROOT, env=env, stdout=out, stderr=out
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, log)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(url: str, log: Path) -> None:
    for _ in range(240):
        try:
            if httpx2.get(f"{url}/ok", timeout=1).is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.25)
    pytest.fail(log.read_text()[-3000:])


@pytest.mark.timeout(180)
def test_the_dev_server_draws_describes_and_runs_the_graph(studio: str) -> None:
    with httpx2.Client(base_url=studio, timeout=90) as client:
        assistants = client.post("/assistants/search", json={}).json()
        assistant = next(one["assistant_id"] for one in assistants if one["graph_id"] == "fusion")

        drawn = client.get(f"/assistants/{assistant}/graph", params={"xray": "true"}).json()
        names = " ".join(str(node["id"]) for node in drawn["nodes"])
        for part in ("prepare", "member_A", "member_C", "judge", "synthesizer", "check"):
            assert re.search(rf"\b{part}\b", names), names
        assert "model" in names, "the members' own loops are drawn"

        schemas = client.get(f"/assistants/{assistant}/schemas").json()
        assert "messages" in schemas["input_schema"]["properties"]
        fields = schemas["context_schema"]["properties"]
        assert fields["max_rounds"]["maximum"] == 3
        assert fields["max_rounds"]["description"]

        body = {
            "assistant_id": assistant,
            "input": {"messages": [{"role": "user", "content": "What does the check verify?"}]},
            "context": {"preset": "offline", "max_rounds": 0, "tools": ["docs"]},
        }
        ran = client.post("/runs/wait", json=body).json()
    assert ran["fusion"]["preset"] == "offline", ran
    assert ran["fusion"]["rounds"] == 0
    assert ran["messages"][-1]["type"] == "ai"
    assert "](" in ran["messages"][-1]["content"]
