"""The client's own tools and the form of the answer over `/v1/responses`."""

import json
from typing import Any

import pytest

from tests.graph.cast import JUDGE, WRITER, A, B, C, cast
from tests.scripted import Seen, text, tool_calls
from tests.server.conftest import Serving
from tests.server.openai.test_responses import asking, on_the_wire, wire

LOOKUP: Any = {
    "type": "function",
    "name": "lookup",
    "description": "Look up a number.",
    "parameters": {"type": "object", "properties": {"id": {"type": "integer"}}},
    "strict": False,
}
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


def looking_up(seen: Seen) -> Any:
    if seen.tool_results:
        return text(f"The register says {seen.tool_results[-1]}.")
    return tool_calls([("lookup", {"id": 7})])


async def test_the_writer_calls_the_clients_tool_and_the_panel_is_paid_once(
    serving: Serving, tmp_path: Any
) -> None:
    served = await serving(cast({WRITER: looking_up}), runs=str(tmp_path / "runs.db"))
    ask = asking() | {"tools": [LOOKUP]}
    first = await served.client.responses.create(**ask)
    call = wire(first)["output"][-1]
    assert (call["type"], call["name"], call["arguments"]) == (
        "function_call",
        "lookup",
        '{"id": 7}',
    )
    assert call["call_id"].startswith("call_")
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "42"}
    turns = [{"role": "user", "content": "What is it?"}, *wire(first)["output"], result]
    before = len(served.models.requests)
    second = await served.client.responses.create(**ask | {"input": turns})
    assert second.output_text == "The register says 42."
    assert [seen.model for seen in served.models.requests[before:]] == [WRITER]
    for model in (A, B, C, JUDGE):
        assert not any("lookup" in seen.tool_names for seen in served.models.seen_by(model))
    billed = served.models.usage()
    assert first.usage is not None
    assert second.usage is not None
    assert first.usage.input_tokens + second.usage.input_tokens == billed.prompt_tokens


async def test_calls_come_one_at_a_time_if_the_client_says_so(serving: Serving) -> None:
    two = tool_calls([("lookup", {"id": 7}), ("lookup", {"id": 8})])
    served = await serving(cast({WRITER: two}))
    ask: Any = asking() | {"tools": [LOOKUP]}
    response = await served.client.responses.create(**ask, parallel_tool_calls=False)
    called = [one for one in wire(response)["output"] if one["type"] == "function_call"]
    assert [one["arguments"] for one in called] == ['{"id": 7}']
    assert response.parallel_tool_calls is False
    both = wire(await served.client.responses.create(**ask))["output"]
    assert [one["type"] for one in both].count("function_call") == 2


async def test_a_streamed_call_comes_with_its_own_events(serving: Serving) -> None:
    served = await serving(cast({WRITER: looking_up}))
    events = await on_the_wire(served, **asking(progress=False), tools=[LOOKUP])
    told = [one["type"] for one in events]
    assert told[-5:] == [
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    item, output = events[-2]["item"], events[-1]["response"]["output"]
    assert output[events[-2]["output_index"]] == item
    assert json.loads(item["arguments"]) == {"id": 7}


@pytest.mark.parametrize("stream", [False, True])
async def test_the_answer_has_the_form_that_was_asked_for(serving: Serving, stream: bool) -> None:
    served = await serving(cast({WRITER: text('{"n": 42}')}))
    form: Any = {
        "format": {"type": "json_schema", "name": "number", "schema": SCHEMA, "strict": True}
    }
    if stream:
        response = (await on_the_wire(served, **asking(), text=form))[-1]["response"]
    else:
        response = wire(await served.client.responses.create(**asking(), text=form))
    assert json.loads(response["output"][-1]["content"][0]["text"]) == {"n": 42}
    assert response["text"]["format"]["schema"] == SCHEMA
    assert served.models.seen_by(WRITER)[0].wants_json
