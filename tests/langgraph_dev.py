"""A real `langgraph dev` on a free port, as a user starts it."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.langgraph_clients import until_ready

ROOT = Path(__file__).parents[1]


@asynccontextmanager
async def langgraph_dev(folder: Path, env: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """Start it with no keys but those in `env`; yields its address.

    It runs in `folder`, where it leaves its log and keeps its state: an unfinished run
    of an earlier server in the same folder would be started again.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "HOME")}
    kept |= {"XDG_CACHE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    kept |= {"LANGSMITH_TRACING": "false"} | dict(env or {})
    command = [str(Path(sys.executable).with_name("langgraph")), "dev", "--no-browser"]
    options = ["--no-reload", "--port", str(port), "--n-jobs-per-worker", "4"]
    for name in ("langgraph.json", "graph", "server"):
        (folder / name).symlink_to(ROOT / name)
    log = folder / "log.txt"
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, *options], cwd=folder, env=kept, stdout=out, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        await until_ready(f"{url}/ok", server, log)
        yield url
    finally:
        server.terminate()
        try:
            await asyncio.to_thread(server.wait, 30)
        finally:
            server.kill()  # it waits long for runs that a failed test left
