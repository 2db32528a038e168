"""The official OpenAI client, unchanged, against a running server."""

import json
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from langgraph_fusion.graph.writing.streaming_answer import RESTARTED
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import JUDGE, WRITER, A, B, C, cast
from tests.scripted import Seen, broken_stream, in_turn, status, text, tool_calls, upstream_error
from tests.server.asking import asking, body
from tests.server.conftest import Served, Serving


async def _content(served: Served, **given: Any) -> str:
    stream = await served.client.chat.completions.create(**given, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


async def test_a_conversation_is_answered_by_the_panel(serving: Serving) -> None:
    served = await serving(cast(answer="It is 42."))
    reply = await served.client.chat.completions.create(**asking())
    assert reply.choices[0].message.content == "It is 42."
    assert reply.choices[0].finish_reason == "stop"
    assert {seen.model for seen in served.models.requests} == {A, B, C, JUDGE, WRITER}


async def test_usage_is_what_the_models_billed(serving: Serving) -> None:
    served = await serving(cast())
    reply = await served.client.chat.completions.create(**asking(usage="run"))
    billed = served.models.usage()
    assert reply.usage is not None
    assert reply.usage.prompt_tokens == billed.prompt_tokens
    assert reply.usage.completion_tokens == billed.completion_tokens
    assert (reply.usage.model_extra or {})["cost"] == pytest.approx(billed.cost)


async def test_a_stream_is_the_same_text_in_pieces(serving: Serving) -> None:
    said = "It is 42, " * 100
    served = await serving(cast({WRITER: text(said, pace=0.01)}))
    pieces = [
        chunk.choices[0].delta.content or ""
        async for chunk in await served.client.chat.completions.create(**asking(), stream=True)
    ]
    assert "".join(pieces) == said.strip()
    assert sum(map(bool, pieces)) > 1


async def test_citations_of_a_stream_are_those_of_the_whole_answer(
    serving: Serving, docs: str
) -> None:
    def member(seen: Seen) -> Any:
        if seen.tool_results:
            return text("The panel has three members [A1].")
        return tool_calls([("docs_search", {"query": "fusion panel"})])

    answer = "Three members [A1]. Also [B7], https://nowhere.example/x and `[A1]`.\n\n- end [A1]"
    served = await serving(cast({A: member}, answer=answer), policy=ClientPolicy(any_setting=True))
    ask = asking(docs=docs, tools=["docs"])
    whole = (await served.client.chat.completions.create(**ask)).choices[0].message.content
    assert whole is not None
    assert "## Sources" in whole
    assert "Also, https://nowhere.example/x and `[A1]`." in whole
    assert "## Not verified" in whole
    assert await _content(served, **ask) == whole


async def test_progress_travels_in_a_field_that_plain_clients_ignore(serving: Serving) -> None:
    served = await serving(cast())
    told: list[str] = []
    async for chunk in await served.client.chat.completions.create(**asking(), stream=True):
        told += [event["type"]] if (event := (chunk.model_extra or {}).get("fusion")) else []
    assert told[0] == "run.started"
    assert told.count("member.finished") == 3
    assert told[-1] == "run.finished"


async def test_progress_and_details_can_be_switched_off(serving: Serving) -> None:
    served = await serving(cast())
    ask = asking(progress=False, details=False)
    async for chunk in await served.client.chat.completions.create(**ask, stream=True):
        assert "fusion" not in (chunk.model_extra or {})
    reply = await served.client.chat.completions.create(**ask)
    assert "fusion" not in (reply.model_extra or {})


async def test_the_last_chunk_has_the_usage_when_it_is_asked_for(serving: Serving) -> None:
    served = await serving(cast())
    stream = await served.client.chat.completions.create(
        **asking(usage="run"), stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == sum(served.models.usage()[1:3])


async def test_a_silent_stream_is_kept_alive_by_comments(serving: Serving) -> None:
    served = await serving(cast({A: text("Late.").after(1.0)}), keep_alive_s=0.1)
    async with (
        httpx2.AsyncClient() as client,
        client.stream(
            "POST", f"{served.url}/v1/chat/completions", json=body(stream=True)
        ) as response,
    ):
        lines = [line async for line in response.aiter_lines()]
    assert lines.count(": keep-alive") >= 3
    assert lines[-2:] == ["data: [DONE]", ""] or lines[-1] == "data: [DONE]"


async def test_the_first_chunk_comes_before_any_model_has_answered(serving: Serving) -> None:
    served = await serving(cast({one: text("Late.").after(0.5) for one in (A, B, C)}))
    stream = await served.client.chat.completions.create(**asking(), stream=True)
    first = await anext(aiter(stream))
    assert first.choices[0].delta.role == "assistant"
    assert served.models.usage().calls == 0
    await stream.close()


async def test_a_writer_that_breaks_off_leaves_a_coherent_stream(serving: Serving) -> None:
    half, whole = "Half an answer that breaks off here. " * 4, "It is 42."
    writer = in_turn(broken_stream(half, after_chunks=3), text(whole))
    served = await serving(cast({WRITER: writer}))
    content = await _content(served, **asking())
    assert content.endswith(RESTARTED + whole)


async def test_a_run_that_fails_in_mid_stream_ends_with_the_error_the_client_knows(
    serving: Serving,
) -> None:
    late = upstream_error("no capacity", shape="body").after(0.2)
    served = await serving(cast({one: late for one in (A, B, C)}))
    seats = [{"model": one, "fallbacks": []} for one in (A, B, C)]
    with pytest.raises(openai.APIError) as raised:
        await _content(served, **asking(panel=seats, deadline_s=5))
    error: Any = raised.value.body
    assert error["failure_reason"] == "all_panels_failed"
    assert len(error["failed_models"]) == 3
    assert error["run_id"]


async def test_a_stream_that_cannot_start_has_an_error_status(serving: Serving) -> None:
    served = await serving(cast())
    with pytest.raises(openai.BadRequestError) as raised:
        await _content(served, **asking(docs="builtin:docs", panel=["nokey:model"]))
    assert raised.value.status_code == 400


async def test_an_unknown_key_of_the_provider_gives_all_panels_failed(serving: Serving) -> None:
    served = await serving(cast({one: status(401) for one in (A, B, C)}))
    with pytest.raises(openai.InternalServerError) as raised:
        await served.client.chat.completions.create(**asking())
    assert raised.value.status_code == 502
    assert json.loads(raised.value.response.text)["error"]["failure_reason"] == "all_panels_failed"


TOOL: Any = {
    "type": "function",
    "function": {"name": "lookup", "parameters": {"type": "object", "properties": {}}},
}


async def test_the_clients_tool_is_called_and_the_conversation_goes_on(
    serving: Serving, tmp_path: Path
) -> None:
    def writer(seen: Seen) -> Any:
        if seen.tool_results:
            return text(f"The register says {seen.tool_results[-1]}.")
        return tool_calls([("lookup", {"id": 7})])

    served = await serving(cast({WRITER: writer}), runs=str(tmp_path / "runs.db"))
    ask = asking(usage="run") | {"tools": [TOOL]}
    first = await served.client.chat.completions.create(**ask)
    assert first.choices[0].finish_reason == "tool_calls"
    message = first.choices[0].message
    assert message.tool_calls is not None
    call: Any = message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("lookup", {"id": 7})

    paid = len(served.models.requests)
    result = {"role": "tool", "tool_call_id": call.id, "content": "42"}
    turns = [*ask["messages"], message.model_dump(exclude_none=True), result]
    second = await served.client.chat.completions.create(**(ask | {"messages": turns}))
    assert second.choices[0].message.content == "The register says 42."
    assert [seen.model for seen in served.models.requests[paid:]] == [WRITER]
    assert second.usage is not None
    billed = served.models.usage()
    assert first.usage is not None
    assert first.usage.total_tokens + second.usage.total_tokens == sum(billed[1:3])


async def test_a_streamed_tool_call_arrives_whole(serving: Serving) -> None:
    served = await serving(cast({WRITER: tool_calls([("lookup", {"id": 7})])}))
    ask = asking() | {"tools": [TOOL]}
    made: list[Any] = []
    finish = None
    async for chunk in await served.client.chat.completions.create(**ask, stream=True):
        made += chunk.choices[0].delta.tool_calls or []
        finish = chunk.choices[0].finish_reason or finish
    assert finish == "tool_calls"
    assert [(one.index, one.function.name, one.function.arguments) for one in made] == [
        (0, "lookup", '{"id": 7}')
    ]


async def test_an_answer_in_json_streams_as_it_is(serving: Serving) -> None:
    answer = '{"number": 42, "see": "https://nowhere.example", "ids": "[A1]"}'
    served = await serving(cast(answer=answer))
    ask = asking() | {"response_format": {"type": "json_object"}}
    whole = (await served.client.chat.completions.create(**ask)).choices[0].message.content
    assert whole is not None
    assert json.loads(whole) == json.loads(answer)
    assert await _content(served, **ask) == whole


async def test_an_estimate_costs_nothing_and_asks_nobody(serving: Serving) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient() as client:
        response = await client.post(f"{served.url}/v1/estimate", json=body())
    assert response.status_code == 200
    assert response.json()["total"]["calls"]["likely"] >= 5
    assert not served.models.requests
