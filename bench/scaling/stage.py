"""What an experiment plays on: models, a database, servers and workers of `fusion`."""

import asyncio
import json
import os
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench.graph.cast import JUDGE, MEMBERS, TOOL_TURNS, WRITER, looked_up
from bench.scaling.model_server import Call
from bench.scaling.postgres import Postgres, postgres
from bench.scaling.processes import Fusion, fusion
from langgraph_fusion.graph.journal.jobs import Job

PLAIN, AGENTIC = "fusion/plain", "fusion/agentic"
"""Three members, a judge and a writer; agentic members look up five documents first."""
_SECRET = ("_API_KEY", "_BASE_URL", "FUSION_", "OLLAMA_")
_MODELS = (*MEMBERS, JUDGE, WRITER)


class Models:
    """The near end of the model server."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self._http = http

    async def set(self, latency: str, seed: int = 1) -> None:
        """Choose how long calls take, and forget those that were made."""
        await self._get("/forget")
        await self._get(f"/set?latency={latency}&seed={seed}")

    async def calls(self) -> list[Call]:
        """Every call since then."""
        return [Call(**one) for one in await self._get("/calls")]

    async def _get(self, path: str) -> Any:
        async with self._http.get(self.url + path) as response:
            return await response.json()


@dataclass
class Stage:
    """What all experiments share."""

    models: Models
    postgres: Postgres
    folder: Path
    env: dict[str, str]
    http: aiohttp.ClientSession
    say: Callable[[str], None] = lambda _: None
    """Show how far the experiment has come."""


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Start the models and the database for the length of the block."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fusion-bench-")))
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
        )
        http = await stack.enter_async_context(session)
        models = Models(await stack.enter_async_context(_model_server()), http)
        database = await stack.enter_async_context(postgres(folder))
        yield Stage(models, database, folder, _environment(folder, models.url), http)


@asynccontextmanager
async def _model_server() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "bench.scaling.model_server",
        stdout=PIPE, stdin=DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await asyncio.shield(process.wait())


def _environment(folder: Path, models: str) -> dict[str, str]:
    presets, prices, documents = (folder / name for name in ("presets.toml", "prices.toml", "docs"))
    seats = f'panel = {json.dumps(MEMBERS)}\njudge = "{JUDGE}"\nsynthesizer = "{WRITER}"\n'
    presets.write_text(
        f'[plain]\n{seats}tools = []\n[agentic]\n{seats}tools = ["docs"]\ndocs = "{documents}"\n'
    )
    prices.write_text("".join(f'"{name}" = {{ input = 1.0, output = 2.0 }}\n' for name in _MODELS))
    documents.mkdir()
    for turn in range(TOOL_TURNS):
        (documents / f"k{turn}.md").write_text(looked_up(f"k{turn}"))
    kept = {k: v for k, v in os.environ.items() if not any(part in k for part in _SECRET)}
    own = {f"XDG_{kind}_HOME": str(folder / "home") for kind in ("DATA", "CONFIG", "CACHE")}
    return kept | own | {
        "OPENROUTER_BASE_URL": f"{models}/v1", "OPENROUTER_API_KEY": "bench",
        "FUSION_PRESETS": str(presets), "FUSION_PRICES": str(prices),
    }  # fmt: skip


@dataclass
class Host:
    """A server or a worker."""

    process: Fusion
    name: str
    """Its address, or the name under which DBOS knows it."""


@dataclass
class Cluster:
    """Servers and workers on one database."""

    stage: Stage
    database: str
    stack: AsyncExitStack
    dead_after_s: float = 20.0
    keys: bool = False
    servers: list[Host] = field(default_factory=list)
    workers: list[Host] = field(default_factory=list)

    async def add_server(self, *options: str, engine: bool = True) -> Host:
        """Start a server; returns once it listens."""
        given = ["--port", "0", "--preset", "plain", *options]
        process = await self._started("serve", *given, engine=engine, port=None)
        url = await process.said_like(r"(http://[\d.:]+)/v1")
        self.servers.append(Host(process, url))
        return self.servers[-1]

    async def add_worker(self, *options: str, port: int | None = None) -> Host:
        """Start a worker, perhaps with a way of its own to the database; returns once it works."""
        given = ["--dead-after", f"{self.dead_after_s:g}", *options]
        process = await self._started("work", *given, engine=True, port=port)
        name = await process.said_like(r"fusion: worker (\S+) takes")
        self.workers.append(Host(process, name))
        return self.workers[-1]

    async def start(self, servers: Sequence[str], workers: Sequence[str], number: int = 2) -> None:
        """Start a server with these options, and so many workers, all at once."""
        starting = [self.add_worker(*workers) for _ in range(number)]
        await asyncio.gather(self.add_server(*servers), *starting)

    async def kill(self, host: Host) -> None:
        """`kill -9` a server or a worker."""
        await host.process.kill()
        for hosts in (self.servers, self.workers):
            if host in hosts:
                hosts.remove(host)

    async def new_key(self, name: str, *caps: str) -> str:
        """Add a key with `fusion keys add`; returns what the client has to send."""
        env = self.stage.env | {"FUSION_KEYS": self.stage.postgres.url(self.database)}
        command = Path(sys.executable).with_name("fusion")
        adding = await asyncio.create_subprocess_exec(
            command, "keys", "add", name, *caps, env=env, stdout=PIPE, stderr=DEVNULL
        )
        said, _ = await adding.communicate()
        return said.decode().split()[-1]

    async def ask(self, statement: str) -> list[Any]:
        """Ask the database."""
        return await self.stage.postgres.ask(self.database, statement)

    async def held_by(self, worker: Host) -> set[str]:
        """Ids of the runs that the queue has given to a worker and that have not ended."""
        rows = await self.ask(
            "select workflow_uuid from dbos.workflow_status "
            f"where status = 'PENDING' and executor_id = '{worker.name}'"
        )
        return {Job.run_of(str(row[0])) for row in rows}

    async def _started(self, *arguments: str, engine: bool, port: int | None) -> Fusion:
        url = self.stage.postgres.url(self.database, port)
        places = {"FUSION_RUNS": url}
        if engine:
            places["FUSION_ENGINE"] = url
        if self.keys:
            places["FUSION_KEYS"] = url
        running = fusion(self.stage.env | places, *arguments)
        return await self.stack.enter_async_context(running)


@asynccontextmanager
async def cluster(stage: Stage, **given: Any) -> AsyncIterator[Cluster]:
    """An empty database; what is started on it is killed at the end of the block."""
    async with AsyncExitStack() as stack:
        yield Cluster(stage, await stage.postgres.new_database(), stack, **given)
