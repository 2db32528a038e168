"""What a client's key is charged for runs of a worker: finished, steered, failed and cancelled."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import PANEL, WRITER, B, cast
from tests.scripted import hang, status, text
from tests.server.asking import until
from tests.server.blocking_keys import BlockingKeys
from tests.server.command import served
from tests.server.engine.test_workers import ASK, EVERYBODY, SEATS, worker

pytestmark = pytest.mark.timeout(300)
CAP, PER_RUN = 1.0, 0.12
LONG = "A sentence that says something about the number 42. " * 100


async def test_the_ledger_holds_what_models_billed_to_a_worker_and_of_a_cancelled_run_little_more(
    tmp_path: Path,
) -> None:
    engine, runs, place = (str(tmp_path / name) for name in ("queue.db", "runs.db", "keys.db"))
    ring = BlockingKeys(place)
    ring.create()
    headers = {"Authorization": f"Bearer {ring.add('ada', Caps(CAP, None, PER_RUN))}"}
    async with AsyncExitStack() as stack:
        options = ("--engine", engine, "--runs", runs, "--keys", place)
        command = await stack.enter_async_context(
            served(cast(), tmp_path, *options, env=_priced(tmp_path))
        )
        await stack.enter_async_context(worker(command.env, engine, runs))
        client = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=command.url, headers=headers, timeout=100)
        )
        models = command.models

        async def ended(place: str) -> str:
            while (found := (await client.get(place)).json())["status"] in ("queued", "running"):
                await asyncio.sleep(0.05)
            return str(found["status"])

        async def begun(parts: Any) -> str:
            models.script = cast(parts)
            before = len(models.requests)
            found = (await client.post("/v1/runs", json=ASK | SEATS)).json()
            await until(lambda: len(models.requests) >= before + len(PANEL))
            return f"/v1/runs/{found['id']}"

        assert await ended(await begun({B: text(LONG)})) == "finished"
        failing = {name: status(400) for name in (*PANEL, WRITER)}
        assert await ended(await begun(failing)) == "failed"
        await _settled(ring)
        assert _charged(ring) == pytest.approx(models.usage().cost, abs=1e-6)

        cancelled = await begun({B: hang()})
        await until(lambda: models.in_flight == 1)
        before = _charged(ring)
        assert (await client.post(f"{cancelled}/cancel")).status_code == 202
        assert await ended(cancelled) == "cancelled"
        await until(lambda: models.in_flight == 0)
        await until(lambda: _charged(ring) < before)
        assert models.usage().cost < _charged(ring), "the call that was cut off counts at its worst"
        assert _charged(ring) < models.usage().cost + PER_RUN / 2, "and the rest is free again"

        after = _charged(ring) - models.usage().cost
        steered = await begun({B: hang()})
        await until(lambda: models.in_flight == 1)
        stop = {"action": "stop_member", "seat": "B"}
        assert (await client.post(f"{steered}/steer", json=stop)).status_code == 202
        assert await ended(steered) == "finished"
        await until(lambda: not models.in_flight)
        await _settled(ring)
        assert models.usage().cost + after <= _charged(ring) + 1e-9 <= CAP


def _charged(ring: BlockingKeys) -> float:
    return ring.all()[0][1].total_usd


async def _settled(ring: BlockingKeys) -> None:
    """Return once no more than what runs did cost is charged: soon after they have ended."""
    charged = None
    while charged != (charged := _charged(ring)):
        await asyncio.sleep(0.5)


def _priced(place: Path) -> Mapping[str, str]:
    prices = place / "prices.toml"
    rows = (f'"{name}" = {{ input = 1.0, output = 2.0 }}\n' for name in EVERYBODY)
    prices.write_text("".join(rows))
    return {"FUSION_PRICES": str(prices)}
