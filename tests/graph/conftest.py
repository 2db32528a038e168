import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.records import Totals
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.models.http import close_http_client
from tests.graph.cast import JUDGE, PANEL, WRITER, A, B, C, Part, as_json
from tests.scripted import ScriptedServer, scripted_server

SCHEMA = Path(__file__).parents[2] / "docs" / "result.schema.json"


class Fused:
    """What a scripted run gave, told and asked for."""

    def __init__(
        self, result: FusionResult, events: list[dict[str, Any]], server: ScriptedServer
    ) -> None:
        self.result = result
        self.events = events
        self.server = server

    def told(self, type: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == type]


Fuse = Callable[..., Awaitable[Fused]]
Serve = Callable[..., Awaitable[ScriptedServer]]
Price = Callable[..., None]


@pytest.fixture
async def serve(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """Start a scripted server that the provider `openrouter` leads to."""
    running: list[Any] = []

    async def start(script: Part, models: Sequence[Any] = ("vendor/one",)) -> ScriptedServer:
        context = scripted_server(script, models=models)
        server = await context.__aenter__()
        running.append(context)
        monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-secret-key")
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
        return server

    yield start
    await close_http_client()
    for context in running:
        await context.__aexit__(None, None, None)


@pytest.fixture
async def fuse(serve: Serve) -> Fuse:
    """Deliberate over real HTTP; every run is checked for its schema, its bill and leaks."""

    async def run(
        script: Part,
        settings: FusionSettings,
        question: Any = "What is it?",
        models: Sequence[Any] = ("vendor/one",),
        **given: Any,
    ) -> Fused:
        server = await serve(script, models)
        before = asyncio.all_tasks()
        events = [event async for event in deliberate(question, settings, **given)]
        result = FusionResult.model_validate(events[-1]["result"])
        jsonschema.validate(as_json(result), json.loads(SCHEMA.read_text()))
        _bill_matches(result, server)
        assert server.in_flight == 0
        assert "sk-or-secret-key" not in json.dumps(events)
        await asyncio.sleep(0)
        left = [repr(task) for task in asyncio.all_tasks() - before if not task.done()]
        assert not [task for task in left if "RequestHandler" not in task], (
            "the server's own are fine"
        )
        return Fused(result, events, server)

    return run


def _bill_matches(result: FusionResult, server: ScriptedServer) -> None:
    """Token by token; offline models and earlier turns are not on the server's account."""
    calls = [call for call in result.bill.calls if not call.model.startswith("offline:")]
    calls = [call for call in calls if not call.carried and call.kind == "model"]
    billed, total = server.usage(), Totals.of(calls)
    assert (total.input_tokens or 0) == billed.prompt_tokens
    assert (total.output_tokens or 0) == billed.completion_tokens
    assert (total.cached_tokens or 0) == billed.cached_tokens
    assert (total.reasoning_tokens or 0) == billed.reasoning_tokens
    assert total.known_cost_usd == pytest.approx(billed.cost)


@pytest.fixture
def docs(tmp_path: Path) -> str:
    """A small folder of documents."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "fusion.md").write_text("# Fusion\n\nThe fusion panel has three members.\n")
    (folder / "cost.md").write_text("# Cost\n\nA fusion run costs 0.12 dollars.\n")
    return str(folder)


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Price:
    """List what the scripted server charges, or what a test says, in dollars per million tokens."""

    def write(**other: float) -> None:
        table = {name: (1.0, 2.0) for name in (*PANEL, JUDGE, WRITER)}
        for name, output in other.items():
            table[{"a": A, "b": B, "c": C, "writer": WRITER}[name]] = (1.0, output)
        rows = [f'"{name}" = {{ input = {i}, output = {o} }}' for name, (i, o) in table.items()]
        (tmp_path / "prices.toml").write_text("\n".join(rows))
        monkeypatch.setenv("FUSION_PRICES", str(tmp_path / "prices.toml"))

    write()
    return write
