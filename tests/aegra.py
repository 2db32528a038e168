"""Real instances of Aegra, an open LangGraph server, on one PostgreSQL and one Redis.

Aegra needs a Python from 3.12 on, and versions of its own of what it shares with this product: it
gets an environment of its own, which `REQUIRE_AEGRA=1` makes (`make test-aegra`).
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.langgraph_clients import until_ready

REQUIRED = "REQUIRE_AEGRA"
ROOT = Path(__file__).parents[1]
REQUIREMENTS = Path(__file__).with_name("aegra.txt")
SETTINGS = {
    "REDIS_BROKER_ENABLED": "true",
    "LEASE_DURATION_SECONDS": "6",
    "HEARTBEAT_INTERVAL_SECONDS": "2",
    "REAPER_INTERVAL_SECONDS": "2",
}
"""Those of docs/scaling.md."""


@dataclass
class Instance:
    """One server process."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def has_taken(self, run_id: str) -> bool:
        """Whether one of its workers has picked the run up."""
        lines = self.log.read_text().splitlines()
        return any("Worker picked up run" in line and run_id in line for line in lines)

    def kill(self) -> None:
        """As a host that loses its power."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def aegra_python(folder: Path) -> Path:
    """The interpreter of an environment with Aegra and this product, made in `folder`.

    Skips the test where the variable does not ask for it.
    """
    if os.environ.get(REQUIRED) != "1":
        pytest.skip(f"{REQUIRED}=1 installs Aegra and runs it (`make test-aegra`)")
    base = _interpreter()
    if subprocess.run([base, "-c", "import aegra_api"], capture_output=True).returncode == 0:
        return Path(base)
    subprocess.run([base, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run(
        [*install, "-r", str(REQUIREMENTS), "-e", f"{ROOT}[serve,mcp,postgres]"], check=True
    )
    return python


def _interpreter() -> str:
    """A Python from 3.12 on: `AEGRA_PYTHON`, this one, or one that can be found."""
    if named := os.environ.get("AEGRA_PYTHON"):
        return named
    if sys.version_info >= (3, 12):
        return sys.executable
    for name in ("python3.12", "python3.13"):
        places = [
            shutil.which(name),
            *map(str, sorted(Path.home().glob(f".pyenv/versions/*/bin/{name}"))),
        ]
        for place in places:
            if place and subprocess.run([place, "-c", ""], capture_output=True).returncode == 0:
                return place
    pytest.fail("Aegra needs Python 3.12 or later: name one in AEGRA_PYTHON")


@contextmanager
def redis_server() -> Iterator[str]:
    """A Redis of the machine's own packages that keeps nothing; yields its URL."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail("Redis is not installed (Debian: apt-get install redis-server)")
    with tempfile.TemporaryDirectory(prefix="fusion-redis-", dir="/tmp") as folder:
        place = Path(folder) / "socket"
        command = [program, "--port", "0", "--unixsocket", str(place), "--save", ""]
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            while not place.exists() and server.poll() is None:
                time.sleep(0.05)
            yield f"unix://{place}"
        finally:
            server.terminate()
            server.wait()


@asynccontextmanager
async def aegra(python: Path, folder: Path, env: Mapping[str, str]) -> AsyncIterator[Instance]:
    """Start an instance in `folder`, with no keys but those in `env`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir()
    for name in ("langgraph.json", "graph", "server"):
        (folder / name).symlink_to(ROOT / name)
    kept = {name: os.environ[name] for name in ("PATH", "HOME")} | {"LANGSMITH_TRACING": "false"}
    kept |= {"XDG_CACHE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)} | SETTINGS | dict(env)
    command = [str(python), "-m", "uvicorn", "aegra_api.main:app", "--port", str(port)]
    log = folder / "log.txt"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=kept, stdout=out, stderr=subprocess.STDOUT
        )
    instance = Instance(f"http://127.0.0.1:{port}", process, log)
    try:
        await until_ready(f"{instance.url}/info", instance.process, instance.log)
        yield instance
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 60)
        finally:
            process.kill()
            process.wait()
