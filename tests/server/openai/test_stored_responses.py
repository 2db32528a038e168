"""`store` and `previous_response_id` with the official client."""

import sqlite3
from pathlib import Path
from typing import Any

import openai
import pytest

from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import JUDGE, WRITER, A, B, C, cast
from tests.scripted import text
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Served, Serving
from tests.server.openai.test_responses import asking, streamed, wire
from tests.server.openai.test_tools_in_responses import LOOKUP, looking_up


async def _stored(serving: Serving, tmp_path: Path, script: Any = None, **config: Any) -> Served:
    script = script or cast(answer="It is 42.")
    return await serving(script, runs=str(tmp_path / "runs.db"), **config)


async def test_a_stored_response_is_gone_on_with(serving: Serving, tmp_path: Path) -> None:
    served = await _stored(serving, tmp_path)
    first = await served.client.responses.create(
        **asking(), store=True, instructions="Speak Latin."
    )
    assert wire(first)["store"] is True
    ask = asking() | {"input": "Are you sure?", "previous_response_id": first.id}
    second = await served.client.responses.create(**ask, store=True)
    assert second.previous_response_id == first.id
    said = [one["content"] for one in served.models.seen_by(A)[-1].messages]
    assert said[1:] == ["What is it?", "It is 42.", "Are you sure?"]
    assert "Latin" not in said[0]
    third = await served.client.responses.create(
        **asking() | {"input": "Really?", "previous_response_id": second.id}
    )
    assert wire(third)["store"] is False
    assert len(served.models.seen_by(A)[-1].messages) == 6


async def test_a_streamed_response_is_stored_before_its_last_event(
    serving: Serving, tmp_path: Path
) -> None:
    served = await _stored(serving, tmp_path)
    response = (await streamed(served, **asking(), store=True))[-1]["response"]
    assert response["store"] is True
    await served.client.responses.create(
        **asking() | {"input": "Sure?", "previous_response_id": response["id"]}
    )
    assert "It is 42." in served.models.seen_by(A)[-1].text


@pytest.mark.parametrize("instructions", [None, "Speak Latin."])
async def test_results_of_the_clients_tools_go_on_with_the_run(
    serving: Serving, tmp_path: Path, instructions: str | None
) -> None:
    served = await _stored(serving, tmp_path, cast({WRITER: looking_up}))
    ask: Any = asking() | {"tools": [LOOKUP], "store": True}
    first = await served.client.responses.create(**ask, instructions=instructions)
    call = wire(first)["output"][-1]
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "42"}
    before = len(served.models.requests)
    second = await served.client.responses.create(
        **ask | {"input": [result], "previous_response_id": first.id}
    )
    assert second.output_text == "The register says 42."
    assert [seen.model for seen in served.models.requests[before:]] == [WRITER]
    await served.client.responses.create(
        **ask | {"input": "Thanks. And now?", "previous_response_id": second.id}
    )
    assert "The register says 42." in served.models.seen_by(A)[-1].text


async def _refused(served: Served, id: str, match: str) -> None:
    before = len(served.models.requests)
    with pytest.raises(openai.BadRequestError, match=match) as raised:
        await served.client.responses.create(**asking(), previous_response_id=id)
    assert raised.value.param == "previous_response_id"
    assert len(served.models.requests) == before


async def test_without_a_place_for_runs_nothing_can_be_gone_on_with(serving: Serving) -> None:
    served = await serving(cast())
    response = await served.client.responses.create(**asking(), store=True)
    assert wire(response)["store"] is False
    await _refused(served, response.id, "send the conversation")


async def test_nothing_is_stored_that_nobody_asked_for(serving: Serving, tmp_path: Path) -> None:
    served = await _stored(serving, tmp_path, cast(answer="A rare word: xylograph."))
    for store in ({}, {"store": False}):
        response = await served.client.responses.create(**asking() | store)
        assert wire(response)["store"] is False
        await _refused(served, response.id, "store: true")
    for strange in ("resp_1", "", "\0", "resp_" + "0" * 32):
        await _refused(served, strange, "send the conversation|store: true")
    kept = sqlite3.connect(tmp_path / "runs.db").execute("select key from store").fetchall()
    runs = await served.state.store.all()
    assert sorted(key for (key,) in kept) == sorted(run.id for run in runs)


async def test_an_operator_who_keeps_runs_stores_responses(
    serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_KEEP_RUNS", "1")
    served = await _stored(serving, tmp_path)
    assert wire(await served.client.responses.create(**asking()))["store"] is True
    response = await served.client.responses.create(**asking(), store=False)
    await _refused(served, response.id, "store: true")


async def test_only_the_key_that_made_a_response_goes_on_with_it(
    serving: Serving, tmp_path: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    ada, bob = ring.add("ada", Caps()), ring.add("bob", Caps())
    served = await _stored(serving, tmp_path, keys=tmp_path / "keys.db")
    anyone = served.client
    served.client = anyone.with_options(api_key=ada)
    response = await served.client.responses.create(**asking(), store=True)
    served.client = anyone.with_options(api_key=bob)
    await _refused(served, response.id, "no response")
    served.client = anyone.with_options(api_key=ada)
    ask = asking() | {"previous_response_id": response.id}
    assert (await served.client.responses.create(**ask)).output_text == "It is 42."


async def test_what_is_stored_is_deleted_with_its_run(serving: Serving, tmp_path: Path) -> None:
    served = await _stored(serving, tmp_path)
    kept = await served.client.responses.create(**asking(), store=True)
    gone = await served.client.responses.create(**asking(), store=True)
    await served.state.store.delete(wire(gone)["fusion"]["run_id"])
    await _refused(served, gone.id, "no response")
    ask = asking() | {"previous_response_id": kept.id}
    assert (await served.client.responses.create(**ask)).output_text == "It is 42."


async def test_a_response_that_failed_is_not_stored(serving: Serving, tmp_path: Path) -> None:
    script = cast({one: text("") for one in (A, B, C, JUDGE, WRITER)})
    served = await _stored(serving, tmp_path, script)
    response = (await streamed(served, **asking(), store=True))[-1]["response"]
    assert response["status"] == "failed"
    await _refused(served, response["id"], "no response")
