"""`fusion serve` as an operator runs it: a process of its own over scripted models."""

import asyncio
import json
import re
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai

from tests.cli.processes import FUSION, ROOT, environment
from tests.graph.cast import Part
from tests.scripted import ScriptedServer, scripted_server

NO_ENV: Mapping[str, str] = {}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command:
    """A running `fusion serve`."""

    def __init__(
        self, process: Process, url: str, models: ScriptedServer, env: dict[str, str]
    ) -> None:
        self.process = process
        self.url = url
        self.models = models
        self.env = env
        self.client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)

    async def log_after(self, how: signal.Signals = signal.SIGTERM) -> list[dict[str, Any]]:
        """Stop it and return the lines of its log."""
        self.process.send_signal(how)
        assert self.process.stderr is not None
        rest = await self.process.stderr.read()
        await self.process.wait()
        return [json.loads(line) for line in rest.decode().splitlines() if line[:1] == "{"]


@asynccontextmanager
async def served(
    script: Part, place: Path, *options: str, env: Mapping[str, str] = NO_ENV
) -> AsyncIterator[Command]:
    """Start it on a free port; `place` takes the files it writes."""
    async with (
        scripted_server(script) as models,
        running(models, environment_of(models, place, env), *options) as command,
    ):
        yield command


def environment_of(
    models: ScriptedServer, place: Path, env: Mapping[str, str] = NO_ENV
) -> dict[str, str]:
    """Variables of a command that asks these models."""
    return environment(
        {
            **env,
            "OPENROUTER_API_KEY": "sk-or-secret-key",
            "OPENROUTER_BASE_URL": models.base_url,
            "XDG_DATA_HOME": str(place),
            "XDG_CONFIG_HOME": str(place),
            "XDG_CACHE_HOME": str(place),
        }
    )


@asynccontextmanager
async def running(
    models: ScriptedServer, env: dict[str, str], *options: str
) -> AsyncIterator[Command]:
    """Start it with these variables."""
    process = await asyncio.create_subprocess_exec(
        *FUSION,
        "serve",
        "--port",
        "0",
        *options,
        cwd=ROOT,
        env=env,
        stderr=PIPE,
        preexec_fn=_take_default_signals,
    )
    try:
        command = Command(process, await url_of(process), models, env)
        async with command.client:
            yield command
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def _take_default_signals() -> None:
    """A suite that was started in the background ignores SIGINT, and its children would too."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)


async def url_of(process: Process) -> str:
    assert process.stderr is not None
    line = (await process.stderr.readline()).decode()
    found = re.search(r"(http://[\d.:]+)/v1", line)
    assert found, line
    return found[1]
