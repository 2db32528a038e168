"""The fusion item of a response, when a worker dies and another takes the run up."""

from typing import Any

from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.server.openai.responses_fusion_item import PanelItem


async def test_a_run_that_is_taken_up_at_any_moment_tells_a_client_each_thing_once() -> None:
    settings = load_settings({"preset": "offline"})
    events = [event async for event in deliberate("What does the check verify?", settings)]
    whole = _told(events)
    assert whole.count(("response.output_item.added", None)) == 1
    for death in range(len(events)):
        assert sorted(_told(events[:death] + events), key=str) == sorted(whole, key=str)


def _told(events: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """Types and models of what a client of the Responses API is sent."""
    item = PanelItem()
    return [(sent["type"], sent.get("model")) for event in events for sent in item.of(event)]
