"""Every fault at every place, over real HTTP: the outcome, the bill, and that nothing is left."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.records import Call, Totals
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.models.http import close_http_client
from tests.graph.cast import Part
from tests.graph.faults.leaks import nothing_left
from tests.graph.faults.places import (
    PROVIDERS,
    Cell,
    cells,
    expected,
    outcome_of,
    script_of,
    settings_of,
)
from tests.graph.faults.ports import Departing
from tests.graph.faults.table import FAULTS, Fault
from tests.scripted import ScriptedServer, scripted_server


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_at_every_place(
    fault: Fault, docs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = cells(fault)
    departing: dict[str, Departing] = {}
    if fault.address:
        departing = {name: Departing(fault.address) for name in PROVIDERS.values()}
    async with nothing_left(), served(script_of(fault, every, departing), departing) as server:
        monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-secret-key")
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
        for name, address in departing.items():
            monkeypatch.setenv(f"{name.upper()}_BASE_URL", address.base_url)

        async def run(cell: Cell, number: int) -> FusionResult:
            if departing and not cell.begins:
                await departing[cell.provider].gone()
            await asyncio.sleep(number * fault.apart_s)
            return await aask("?", settings_of(cell, fault, docs))

        results = await asyncio.gather(*(run(cell, number) for number, cell in enumerate(every)))
        await close_http_client()
        found = dict(zip(every, results, strict=True))
        for cell, result in found.items():
            assert (cell, outcome_of(cell, result)) == (cell, expected(cell, fault))
        for cell, result in found.items():
            bill_is_right(cell, fault, result, server)
        assert server.in_flight == 0


def bill_is_right(cell: Cell, fault: Fault, result: FusionResult, server: ScriptedServer) -> None:
    """What the server billed, what it never said is unknown, and every request is on it."""
    calls, billed = result.bill.calls, server.usage(cell.owns)
    total = Totals.of(calls)
    assert (total.input_tokens or 0) == billed.prompt_tokens
    assert (total.output_tokens or 0) == billed.completion_tokens
    assert total.known_cost_usd == pytest.approx(billed.cost)
    failed = [call for call in calls if call.error]
    assert {_cost(call) for call in failed} == {fault.cost}
    assert (total.cost_usd is None) == (fault.cost == "unknown")
    reached = sum(cell.owns(seen) for seen in server.requests)
    assert len(calls) - (len(failed) if fault.address else 0) == reached


def _cost(call: Call) -> str:
    if call.cost_usd is None:
        return "unknown"
    return "known" if call.cost_usd else "free"


@asynccontextmanager
async def served(script: Part, departing: Mapping[str, Departing]) -> AsyncIterator[ScriptedServer]:
    async with scripted_server(script) as server, AsyncExitStack() as stack:
        for address in departing.values():
            await address.open(server)
            stack.callback(address.close)
        yield server
