"""What LangGraph servers run says in its stream why it failed, in whatever form it is read."""

from typing import Any

import pytest

from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.errors import ConfigError, FusionError, RunTakenOver
from langgraph_fusion.graph.fusion_graph import FusionGraph
from langgraph_fusion.graph.served_graph import ServedGraph
from tests.graph.cast import cast, settings
from tests.graph.conftest import Serve
from tests.scripted import status

ASKED = {"messages": [("user", "What is it?")]}
REFUSED = ConfigError("must be at most 3", field="max_rounds")


async def said(graph: FusionGraph, **given: Any) -> list[Any]:
    """Every part of the stream of a run that fails."""
    parts: list[Any] = []

    async def read() -> None:
        async for part in graph.astream(ASKED, **given):
            parts.append(part)

    with pytest.raises(FusionError):
        await read()
    return parts


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"stream_mode": "custom"}, lambda event: event),
        ({"stream_mode": "custom", "subgraphs": True}, lambda event: ((), event)),
        ({"stream_mode": ["values", "custom"]}, lambda event: ("custom", event)),
        ({"stream_mode": ["custom"], "subgraphs": True}, lambda event: ((), "custom", event)),
        (
            {"stream_mode": ["custom"], "version": "v2"},
            lambda event: {"type": "custom", "ns": (), "data": event},
        ),
    ],
)
async def test_the_last_part_says_why_in_the_form_of_the_stream(given: Any, told: Any) -> None:
    graph = ServedGraph.of_graph(create_fusion(settings()), REFUSED)
    assert await said(graph, **given) == [
        told(
            {
                "type": "run.failed",
                "error": "ConfigError",
                "reason": "invalid_value",
                "message": "max_rounds: must be at most 3",
            }
        )
    ]


async def test_nothing_is_said_where_nobody_reads_it() -> None:
    graph = ServedGraph.of_graph(create_fusion(settings()), REFUSED)
    assert await said(graph, stream_mode="values") == []
    assert await said(graph.copy(), stream_mode=["values"]) == []


async def test_a_run_whose_members_all_fail_says_what_its_exception_says(serve: Serve) -> None:
    await serve(lambda seen: status(402))
    graph = ServedGraph.of_graph(create_fusion(settings()))
    events = await said(graph, stream_mode="custom")
    assert (events[0]["type"], events[-1]["type"]) == ("run.started", "run.failed")
    assert events[-1]["reason"] == "insufficient_credits"
    assert "no member answered" in events[-1]["message"]


async def test_a_process_that_has_lost_its_run_does_not_say_that_it_failed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server would end the run at another instance; it cancels this one instead."""
    await serve(cast())
    monkeypatch.setattr("langgraph_fusion.graph.served_graph._LEASE_S", 0.05)
    graph = ServedGraph.of_graph(create_fusion(settings()), RunTakenOver("r"))  # type: ignore[arg-type]
    assert await said(graph, stream_mode="custom") == []
