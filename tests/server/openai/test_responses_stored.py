"""Stored responses with the official client: read again, listed what they answered, deleted."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import WRITER, cast
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Served, Serving
from tests.server.openai.test_responses import asking, streamed, wire
from tests.server.openai.test_tools_in_responses import LOOKUP, looking_up

Ask = Callable[[], Awaitable[Any]]


async def _stored(serving: Serving, tmp_path: Path, script: Any = None, **config: Any) -> Served:
    script = script or cast(answer="It is 42.")
    return await serving(script, runs=str(tmp_path / "runs.db"), **config)


async def _missing(ask: Ask) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        await ask()
    assert (raised.value.code, raised.value.param) == ("response_not_found", "response_id")
    assert raised.value.type == "invalid_request_error"


async def test_a_stored_response_is_read_again_as_it_was(serving: Serving, tmp_path: Path) -> None:
    served = await _stored(serving, tmp_path)
    first = await served.client.responses.create(**asking(), store=True, metadata={"for": "me"})
    again = await served.client.responses.retrieve(first.id)
    assert wire(again) == wire(first)
    assert again.output_text == "It is 42."
    last = (await streamed(served, **asking(), store=True))[-1]["response"]
    assert wire(await served.client.responses.retrieve(last["id"])) == last
    with pytest.raises(openai.BadRequestError, match="stream"):
        await served.client.responses.retrieve(first.id, stream=True)


async def test_a_deleted_response_is_gone_with_its_conversation(
    serving: Serving, tmp_path: Path
) -> None:
    served = await _stored(serving, tmp_path, cast(answer="A rare word: xylograph."))
    client = served.client
    first = await client.responses.create(**asking(details=False), store=True)
    second = await client.responses.create(
        **asking() | {"input": "Sure?", "previous_response_id": first.id}, store=True
    )
    await client.responses.delete(first.id)
    for ask in (client.responses.retrieve, client.responses.delete):
        await _missing(lambda ask=ask: ask(first.id))  # type: ignore[misc]
    with pytest.raises(openai.BadRequestError) as raised:
        await client.responses.create(**asking(), previous_response_id=first.id)
    assert raised.value.code == "previous_response_not_found"
    assert (await client.responses.retrieve(second.id)).output_text == "A rare word: xylograph."
    await client.responses.delete(second.id)
    kept = sqlite3.connect(tmp_path / "runs.db").execute("select value from store").fetchall()
    assert not [value for (value,) in kept if "xylograph" in str(value)]


async def test_what_was_not_stored_cannot_be_read(serving: Serving, tmp_path: Path) -> None:
    served = await _stored(serving, tmp_path)
    for store in ({}, {"store": False}):
        response = await served.client.responses.create(**asking() | store)
        await _missing(lambda id=response.id: served.client.responses.retrieve(id))  # type: ignore[misc]
    nowhere = await serving(cast())
    for one in (served, nowhere):
        for strange in ("resp_1", "resp_" + "0" * 32, "%00", "%F0%9F%A6%9C"):
            async with httpx2.AsyncClient() as http:
                for path in ("", "/input_items"):
                    told = await http.get(f"{one.url}/v1/responses/{strange}{path}")
                    assert told.status_code == 404


async def test_the_input_of_a_response_is_listed_with_the_earlier_turns(
    serving: Serving, tmp_path: Path
) -> None:
    served = await _stored(serving, tmp_path, cast({WRITER: looking_up}))
    ask: Any = asking() | {"tools": [LOOKUP], "store": True}
    first = await served.client.responses.create(**ask)
    call = wire(first)["output"][-1]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "42"}
    second = await served.client.responses.create(
        **ask | {"input": [output], "previous_response_id": first.id}
    )
    items = served.client.responses.input_items
    listed = [wire(item) async for item in items.list(second.id, order="asc", limit=1)]
    assert [one["type"] for one in listed] == ["message", "function_call", "function_call_output"]
    assert listed[0]["content"] == [{"type": "input_text", "text": "What is it?"}]
    assert listed[1]["arguments"] == call["arguments"]
    assert listed[2]["output"] == "42"
    newest = [wire(item) async for item in items.list(second.id)]
    assert newest == listed[::-1], "the newest first, unless another order is asked for"
    for wrong in ({"limit": 0}, {"order": "up"}, {"after": "item_1"}):
        with pytest.raises(openai.BadRequestError) as raised:
            await items.list(second.id, **wrong)
        assert raised.value.param == next(iter(wrong))


async def test_a_response_is_there_only_for_the_key_that_made_it(
    serving: Serving, tmp_path: Path
) -> None:
    ada, bob, served = await _of_two(serving, tmp_path, cast(answer="It is 42."))
    mine = await ada.responses.create(**asking(), store=True)
    await _missing(lambda: bob.responses.retrieve(mine.id))
    await _missing(lambda: bob.responses.delete(mine.id))
    items = bob.responses.input_items
    await _missing(lambda: anext(aiter(items.list(mine.id))))
    with pytest.raises(openai.AuthenticationError):
        await served.client.responses.retrieve(mine.id)
    assert (await ada.responses.retrieve(mine.id)).output_text == "It is 42."


async def test_calls_of_tools_lead_nobody_else_into_the_run_that_made_them(
    serving: Serving, tmp_path: Path
) -> None:
    ada, bob, served = await _of_two(serving, tmp_path, cast({WRITER: looking_up}))
    ask: Any = asking() | {"tools": [LOOKUP]}
    first = await ada.responses.create(**ask)
    call = wire(first)["output"][-1]
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "42"}
    turns = [{"role": "user", "content": "What is it?"}, *wire(first)["output"], result]
    before = len(served.models.requests)
    his = wire(await bob.responses.create(**ask | {"input": turns}))
    assert his["fusion"]["run_id"] not in call["call_id"], "a run of his own, of what he sent"
    assert his["fusion"]["mode"] == "direct"
    mine = await ada.responses.create(**ask | {"input": turns})
    assert wire(mine)["fusion"]["run_id"] in call["call_id"]
    assert mine.output_text == "The register says 42."
    assert [seen.model for seen in served.models.requests[before:]] == [WRITER, WRITER]


async def _of_two(serving: Serving, tmp_path: Path, script: Any) -> tuple[Any, Any, Served]:
    """Clients with the keys of ada and bob, and the server."""
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    ada, bob = (ring.add(name, Caps()) for name in ("ada", "bob"))
    served = await _stored(serving, tmp_path, script, keys=tmp_path / "keys.db")
    with_key = served.client.with_options
    return with_key(api_key=ada), with_key(api_key=bob), served
