"""Every `fusion` command that README and docs show is one that this version understands."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.cli.processes import ROOT
from tests.cli.warm import fusion
from tests.images import png

_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_NEEDS_MORE = re.compile(
    r"fusion (serve|work|mcp|keys|sandbox|resume|runs (show|delete)|doctor|eval|report)\b"
)
"""What listens, changes something, needs a run or asks the network: read, not carried out."""
_MISSING = ("OPENROUTER_API_KEY", "BRAVE_SEARCH_API_KEY", "no OpenAI-compatible server")


def _documented() -> list[str]:
    """The commands without comments and without what they are piped into."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = [block for page in pages for block in _BLOCK.findall(page.read_text())]
    lines = [line.removeprefix(".venv/bin/") for block in blocks for line in block.splitlines()]
    commands = [re.split(r"\s+#\s|\s+\|\s", line)[0].strip() for line in lines]
    return list(dict.fromkeys(line for line in commands if line.startswith("fusion ")))


COMMANDS = _documented()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's folder with what the commands name."""
    for name in ("papers", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "bridge.md").write_text("# Bridge\n\nThe bridge is 120 metres long.\n")
    (tmp_path / "question.txt").write_text("How long is the bridge?\n")
    (tmp_path / "chart.png").write_bytes(png())
    for name in ("data.csv", "t.xlsx", "figures.xlsx", "report.pdf"):
        (tmp_path / name).write_text("bridge,metres\nnorth,120\n")  # read by content, not by name
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_runs_or_lacks_nothing_but_a_key_or_a_local_server(
    command: str, home: Path
) -> None:
    shown = f"{command} --help" if _NEEDS_MORE.match(command) else command
    ended = _typed(shown, home)
    lacks = ended.returncode == 2 and any(one in ended.stderr for one in _MISSING)
    assert ended.returncode == 0 or lacks, ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "command",
    [
        'fusion ask --preset offline "What does the check verify?"',
        'fusion ask --preset offline --docs notes/ "How long is the bridge?"',
        "fusion doctor --offline",
    ],
)
def test_what_needs_no_key_runs_to_its_end(command: str, home: Path) -> None:
    ended = _typed(command, home)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip()


def test_the_pages_show_commands() -> None:
    assert {"fusion presets", "fusion graph --xray"} <= set(COMMANDS)


def _typed(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """As a user types it, in a folder of their own, without a key and without Docker."""
    changes = {"HOME": str(home), "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    folders = {
        f"XDG_{kind}_HOME": str(home / kind) for kind in ("CACHE", "CONFIG", "DATA", "STATE")
    }
    words = [re.sub("^~", str(home), word) for word in shlex.split(command)]
    return fusion(
        *words[1:],
        cwd=home,
        env=changes | folders,
        stdin="How long is the bridge?\n",  # for a command that shows no question
        timeout_s=120,
    )
