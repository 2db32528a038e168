import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import tool

from langgraph_fusion.models.answer_text import text_of
from langgraph_fusion.models.errors import BadResponse, UpstreamError
from langgraph_fusion.models.faults import fault_of
from langgraph_fusion.models.usage import usage_of
from tests.models.scripted_models import REF, SECRET, openrouter, vllm
from tests.scripted import (
    Reply,
    Seen,
    broken_stream,
    garbage,
    hang,
    in_turn,
    keep_alive_only,
    scripted_server,
    status,
    structured,
    text,
    tool_calls,
    upstream_error,
)

SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def ask(model: Runnable[Any, Any], stream: bool, prompt: Any = "Why?") -> AIMessage:
    if not stream:
        answer = await model.ainvoke(prompt)
    else:
        chunks = [chunk async for chunk in model.astream(prompt)]
        answer = sum(chunks[1:], chunks[0])
    assert isinstance(answer, AIMessage)
    return answer


@both_ways
async def test_the_bill_is_what_the_server_billed(stream: bool) -> None:
    reply = text("Because.", reasoning="Let me see.", cost=0.0123)
    async with scripted_server(lambda seen: reply) as server:
        answer = await ask(openrouter(server.base_url), stream)
    billed, used = server.usage(), usage_of(answer, REF)
    assert answer.text == "Because."
    assert (used.cost_usd, used.cost_source) == (0.0123, "provider")
    assert (used.input_tokens, used.output_tokens) == (
        billed.prompt_tokens,
        billed.completion_tokens,
    )
    assert (used.cached_tokens, used.reasoning_tokens) == (0, billed.reasoning_tokens)


@both_ways
async def test_structured_output_keeps_its_usage(stream: bool) -> None:
    async with scripted_server(lambda seen: structured({"ok": 1}, cost=0.5)) as server:
        answer = await ask(openrouter(server.base_url).bind(response_format=SCHEMA), stream)
    assert answer.text == '{"ok": 1}'
    assert usage_of(answer, REF).cost_usd == 0.5
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] == server.usage().completion_tokens


@both_ways
async def test_a_tool_call_goes_there_and_back_with_its_reasoning(stream: bool) -> None:
    @tool
    def web_search(query: str) -> str:
        """Search."""
        return query

    call = tool_calls([("web_search", {"query": "x"})], reasoning="I should look it up.")
    async with scripted_server(in_turn(call, text("Found [A1]."))) as server:
        model = openrouter(server.base_url).bind_tools([web_search])
        first = await ask(model, stream)
        result = ToolMessage("seen", tool_call_id=first.tool_calls[0]["id"])
        second = await ask(model, stream, [HumanMessage("Why?"), first, result])
    assert first.tool_calls[0]["args"] == {"query": "x"}
    assert second.text == "Found [A1]."
    echoed = server.requests[1].messages[1]["reasoning_details"]
    assert "".join(detail["text"] for detail in echoed) == "I should look it up."
    assert {detail["format"] for detail in echoed} == {"unknown"}
    assert server.requests[1].tool_results == ["seen"]


async def test_another_models_reasoning_is_not_sent() -> None:
    async with scripted_server(lambda seen: text("Yes.", reasoning="Hm.")) as server:
        mine = await openrouter(server.base_url).ainvoke("Why?")
        mine.response_metadata["asked_models"] = ["vendor/other"]
        await openrouter(server.base_url).ainvoke([HumanMessage("Why?"), mine])
        await vllm(server.base_url).ainvoke([HumanMessage("Why?"), mine])
    assert all("reasoning" not in str(seen.messages) for seen in server.requests[1:])


@both_ways
@pytest.mark.parametrize(
    ("reply", "reason", "status_code"),
    [
        (upstream_error(), "upstream_error", 502),
        (upstream_error(shape="event"), "upstream_error", 502),
        (upstream_error(shape="body"), "upstream_error", 502),
        (upstream_error("Slow down", code=429, shape="body"), "rate_limited", 429),
        (garbage(), "bad_response", None),
        (broken_stream("One two three."), "connection", None),
        (status(500), "upstream_error", 500),
        (status(502, body="<html><title>Bad gateway</title></html>"), "upstream_error", 502),
        (status(404), "invalid_model", 404),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Reply) else str(value),
)
async def test_a_failure_is_never_an_answer(
    reply: Reply, reason: str, status_code: int | None, stream: bool
) -> None:
    async with scripted_server(lambda seen: reply) as server:
        with pytest.raises(Exception) as caught:  # noqa: PT011  each client error has its own type
            await ask(openrouter(server.base_url), stream)
    fault = fault_of(caught.value)
    assert (fault.reason, fault.status_code) == (reason, status_code)
    assert len(server.requests) == 1


@both_ways
async def test_what_the_provider_said_is_kept(stream: bool) -> None:
    reply = upstream_error("The GPU is on fire", shape="body")
    async with scripted_server(lambda seen: reply) as server:
        with pytest.raises(UpstreamError, match="The GPU is on fire"):
            await ask(openrouter(server.base_url), stream)


async def test_a_stream_without_a_chunk_is_no_answer() -> None:
    async with scripted_server(lambda seen: garbage("data: [DONE]\n\n")) as server:
        with pytest.raises(BadResponse):
            await ask(openrouter(server.base_url), True)


@both_ways
@pytest.mark.parametrize(
    "reply", [hang(), keep_alive_only(), text("Slow to go on.", pace=5)], ids=repr
)
async def test_a_call_ends_when_nothing_comes_for_its_time_limit(
    reply: Reply, stream: bool
) -> None:
    replies = iter([text("The first call of a process takes longest."), reply])
    async with scripted_server(lambda seen: next(replies)) as server:
        await ask(openrouter(server.base_url), stream)
        with pytest.raises(TimeoutError, match=r"nothing came for 0\.5 s") as caught:
            await ask(openrouter(server.base_url, timeout_s=0.5), stream)
        assert fault_of(caught.value).reason == "timeout"
        async with asyncio.timeout(30):
            while server.in_flight:
                await asyncio.sleep(0.02)
        assert len(server.abandoned) == 1


@both_ways
async def test_a_slow_reply_may_take_longer_than_its_time_limit(stream: bool) -> None:
    steady = text("Slow but steady and long enough to pass the limit.", pace=0.2)
    async with scripted_server(lambda seen: steady) as server:
        message = await ask(openrouter(server.base_url, timeout_s=1.0), stream)
        assert message.text == "Slow but steady and long enough to pass the limit."


async def test_a_server_that_refuses_to_stream_is_asked_for_the_whole() -> None:
    def script(seen: Seen) -> Reply:
        if seen.body.get("stream"):
            return status(500, body={"error": {"message": "Cannot use tools with stream"}})
        return text("In one piece.")

    async with scripted_server(script) as server:
        message = await ask(openrouter(server.base_url), False)
        assert message.text == "In one piece."
        assert [bool(seen.body.get("stream")) for seen in server.requests] == [True, False]


async def test_the_time_limit_does_not_interrupt_who_reads_the_stream() -> None:
    async with scripted_server(lambda seen: text("One two three.")) as server:
        async for chunk in openrouter(server.base_url, timeout_s=2.0).astream("Why?"):
            if chunk.text:
                break
        await asyncio.sleep(2.3)  # the reader is busy with something else


@both_ways
async def test_a_cancelled_call_is_given_up_at_once(stream: bool) -> None:
    async with scripted_server(lambda seen: keep_alive_only()) as server:
        call = asyncio.create_task(ask(openrouter(server.base_url), stream))
        while not server.in_flight:
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(0.1)
        assert (server.in_flight, server.open_connections) == (0, 0)


@both_ways
async def test_a_rate_limit_is_not_retried_and_says_how_long_to_wait(stream: bool) -> None:
    limited = status(429, headers={"Retry-After": "7"})
    async with scripted_server(lambda seen: limited) as server:
        with pytest.raises(Exception) as caught:  # noqa: PT011
            await ask(openrouter(server.base_url), stream)
    fault = fault_of(caught.value)
    assert (fault.reason, fault.retry_after_s, fault.retryable) == ("rate_limited", 7.0, True)
    assert len(server.requests) == 1


async def test_a_key_that_the_server_repeats_is_hidden() -> None:
    body = {"error": {"message": f"Incorrect API key provided: {SECRET}.", "code": 401}}
    async with scripted_server(lambda seen: status(401, body=body)) as server:
        with pytest.raises(Exception) as caught:  # noqa: PT011
            await openrouter(server.base_url).ainvoke("Why?")
    fault = fault_of(caught.value)
    assert fault.reason == "unauthorized"
    assert fault.detail == "Incorrect API key provided: [hidden]."


@both_ways
async def test_a_refusal_is_kept_apart_from_the_text(stream: bool) -> None:
    async with scripted_server(lambda seen: text("", refusal="I will not.")) as server:
        answer = await ask(openrouter(server.base_url), stream)
    assert (text_of(answer), answer.additional_kwargs["refusal"]) == ("", "I will not.")


async def test_a_gateway_that_repeats_its_bill_is_not_paid_twice() -> None:
    chunk = (
        'data: {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", '
        '"choices": [{"index": 0, "delta": {"content": "Yes"}, "finish_reason": "stop"}], '
        '"usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6, "cost": 0.25}}'
        "\n\n"
    )
    stream = status(200, body=chunk * 2, content_type="text/event-stream")
    async with scripted_server(lambda seen: stream) as server:
        used = usage_of(await ask(openrouter(server.base_url), True), REF)
    assert (used.input_tokens, used.output_tokens, used.cost_usd) == (5, 1, 0.25)
