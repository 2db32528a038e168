"""What `fusion mcp` does beside the protocol, which `tests/server/mcp` speaks with it."""

import json
from pathlib import Path

import pytest

from tests.cli.processes import FUSION, run

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.mark.parametrize("redirect", ["</dev/null", "<&-", "<empty"])
def test_without_a_client_it_ends(redirect: str, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    command = f"{' '.join(FUSION)} mcp -p offline {redirect}"
    ended = run("bash", "-c", command, cwd=tmp_path, env={"FUSION_RUNS": "off"})
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert "Traceback" not in ended.stderr


def test_requests_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "requests").write_text(json.dumps(HELLO) + "\n")
    command = f"{' '.join(FUSION)} mcp -p offline <requests"
    ended = run("bash", "-c", command, cwd=tmp_path, env={"FUSION_RUNS": "off"})
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["id"] == 1
