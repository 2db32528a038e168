"""Our server, asked as an OpenAI client would ask it: `fusion serve` in a process of its own."""

import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from bench.graph.arms.base import Arm, Watched, Workload
from bench.graph.cast import JUDGE, MEMBERS, QUESTION, TOOL_TURNS, WRITER, looked_up

ASKED = {"model": "fusion", "messages": [{"role": "user", "content": QUESTION}]}
_PRESET = f"""
[bench]
panel = {json.dumps(MEMBERS)}
judge = "{JUDGE}"
synthesizer = "{WRITER}"
"""


@asynccontextmanager
async def opened(workload: Workload, processes: int = 1) -> AsyncIterator[Arm]:
    """Start the server and a client without a limit on connections."""
    async with (
        served(workload, processes) as (url, pid),
        aiohttp.ClientSession(base_url=url, connector=aiohttp.TCPConnector(limit=0)) as session,
    ):

        async def once() -> None:
            async with session.post("/v1/chat/completions", json=ASKED) as response:
                response.raise_for_status()
                await response.read()

        async def watch() -> Watched:
            began, first_s = time.perf_counter(), 0.0
            asked = ASKED | {"stream": True}
            async with session.post("/v1/chat/completions", json=asked) as response:
                async for line in response.content:
                    first_s = first_s or time.perf_counter() - began
                    if (text := _content(line)) and text.strip():
                        token_s = time.time() - float(text.split()[0])
                        await response.read()
                        return Watched(first_s, token_s)
            raise RuntimeError("the stream held no text")

        async def lag() -> float:
            await asyncio.sleep(0.05)
            began = time.perf_counter()
            async with session.get("/healthz") as response:
                await response.read()
            return time.perf_counter() - began

        yield Arm(once, watch, pid, lag=lag)


@asynccontextmanager
async def served(workload: Workload, processes: int = 1) -> AsyncIterator[tuple[str, int]]:
    """Address and process of a server that takes any number of runs; its log is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        presets = Path(folder, "presets.toml")
        presets.write_text(
            _PRESET + (_documents(Path(folder, "docs")) if workload.agentic else "tools = []")
        )
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("fusion"), "serve", "--port", "0", "--preset", "bench",
            "--max-runs", "1000", "--queue", "1000", "--workers", str(processes),
            env=_environment(workload, presets), stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        log = process.stderr
        try:
            while not (found := re.search(rb"http://\S+?(?=/v1)", await log.readline())):
                if log.at_eof():
                    raise RuntimeError("fusion serve ended before it listened")
            emptied = asyncio.create_task(_emptied(log))
            yield found[0].decode(), process.pid
            emptied.cancel()
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _documents(folder: Path) -> str:
    """Make one document for each thing that members look up; returns the settings for it."""
    folder.mkdir()
    for turn in range(TOOL_TURNS):
        Path(folder, f"k{turn}.md").write_text(looked_up(f"k{turn}"))
    return f'tools = ["docs"]\ndocs = "{folder}"\n'


def _environment(workload: Workload, presets: Path) -> dict[str, str]:
    ours = {"OPENROUTER_BASE_URL": workload.base_url, "OPENROUTER_API_KEY": "bench"}
    return {**os.environ, **ours, "FUSION_PRESETS": str(presets)}


async def _emptied(log: asyncio.StreamReader) -> None:
    while await log.read(1 << 16):
        pass


def _content(line: bytes) -> str:
    if not line.startswith(b"data: {"):
        return ""
    choices = json.loads(line[6:]).get("choices") or [{}]
    return str(choices[0].get("delta", {}).get("content") or "")
