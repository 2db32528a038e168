"""The real application under the real uvicorn on a real socket, over the scripted model server."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from openai import AsyncOpenAI

from langgraph_fusion.server.app import create_app
from langgraph_fusion.server.config import ServerConfig
from langgraph_fusion.server.connections import LimitedConnection
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from langgraph_fusion.server.workers import IDLE_S
from tests.graph.cast import JUDGE, PANEL, WRITER, Part
from tests.graph.conftest import docs as docs
from tests.scripted import ScriptedServer, scripted_server
from tests.server.shared_database import place as place
from tests.server.shared_database import postgres as postgres
from tests.server.shared_database import shared as shared


class Served:
    """A running server, the models behind it and the official client in front of it."""

    def __init__(self, url: str, models: ScriptedServer, app: Any) -> None:
        self.url = url
        self.models = models
        self.app = app
        self.client = AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)

    @property
    def state(self) -> Any:
        return self.app.state.server


POLICY = ClientPolicy()
PRICED = (*PANEL, JUDGE, WRITER)
Serving = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serving(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serving]:
    """Start a server whose models follow a script; settings are those of `ServerConfig`."""
    closing: list[Callable[[], Awaitable[Any]]] = []

    async def start(
        script: Part,
        *,
        policy: ClientPolicy = POLICY,
        http: type[LimitedConnection] = LimitedConnection,
        **config: Any,
    ) -> Served:
        models = scripted_server(script)
        behind = await models.__aenter__()
        closing.append(lambda: models.__aexit__(None, None, None))
        monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-secret-key")
        monkeypatch.setenv("OPENROUTER_BASE_URL", behind.base_url)
        app = create_app(ServerConfig(policy=policy, **config))
        url, stop = await _started(app, http)
        closing.append(stop)
        served = Served(url, behind, app)
        closing.append(served.client.close)
        return served

    yield start
    for close in reversed(closing):
        await close()


async def _started(
    app: Any, http: type[LimitedConnection]
) -> tuple[str, Callable[[], Awaitable[None]]]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    options: dict[str, Any] = {"log_config": None, "timeout_graceful_shutdown": 5, "ws": "none"}
    most = app.state.server.config.max_connections
    limits: dict[str, Any] = {"http": http, "limit_concurrency": most}
    limits["timeout_keep_alive"] = IDLE_S
    server = uvicorn.Server(uvicorn.Config(app, **options, **limits))
    running = asyncio.create_task(server._serve([listening]))  # `serve` takes the signals
    while not server.started:
        await asyncio.sleep(0.01)

    async def stop() -> None:
        server.should_exit = True
        await running

    return f"http://127.0.0.1:{listening.getsockname()[1]}", stop


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every scripted model a price; return the file."""
    file = tmp_path / "prices.toml"
    file.write_text("".join(f'"{name}" = {{ input = 1.0, output = 2.0 }}\n' for name in PRICED))
    monkeypatch.setenv("FUSION_PRICES", str(file))
    return file
