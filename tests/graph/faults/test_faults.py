"""Every fault at every place, over real HTTP: the outcome, the bill, and that nothing is left."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from langgraph_fusion.graph.ask import aask
from langgraph_fusion.graph.records import Call, Totals
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.models.http import close_http_client
from tests.graph.faults.leaks import nothing_left
from tests.graph.faults.places import Cell, cells, expected, outcome_of, script_of, settings_of
from tests.graph.faults.table import ADDRESSES, FAULTS, Fault
from tests.scripted import ScriptedServer, scripted_server


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_at_every_place(
    fault: Fault, docs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = cells(fault)
    async with nothing_left(), scripted_server(script_of(fault, every)) as server:
        monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-secret-key")
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
        with address_of(fault) as address:
            monkeypatch.setenv("VLLM_BASE_URL", address)
            results = await asyncio.gather(
                *(run(cell, fault, docs, number) for number, cell in enumerate(every))
            )
        await close_http_client()
        found = dict(zip(every, results, strict=True))
        for cell, result in found.items():
            assert (cell, outcome_of(cell, result)) == (cell, expected(cell, fault))
        for cell, result in found.items():
            bill_is_right(cell, fault, result, server)
        assert server.in_flight == 0


async def run(cell: Cell, fault: Fault, docs: str, number: int) -> FusionResult:
    await asyncio.sleep(number * fault.apart_s)
    return await aask("?", settings_of(cell, fault, docs))


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
    assert len(calls) - (0 if fault.reached else len(failed)) == reached


def _cost(call: Call) -> str:
    if call.cost_usd is None:
        return "unknown"
    return "known" if call.cost_usd else "free"


@contextmanager
def address_of(fault: Fault) -> Iterator[str]:
    with ExitStack() as stack:
        yield stack.enter_context(ADDRESSES[fault.address]()) if fault.address else ""
