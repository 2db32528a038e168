import asyncio
import json
from typing import Any

import aiohttp
import pytest
from yarl import URL

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

ASK: dict[str, Any] = {"model": "vendor/one", "messages": [{"role": "user", "content": "Why?"}]}


async def post(base_url: str, **more: Any) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{base_url}/chat/completions", json=ASK | more) as response,
    ):
        return response.status, await response.text()


def chunks(body: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


async def test_a_text_reply_comes_as_json_and_is_billed() -> None:
    async with scripted_server(lambda seen: text("Because.")) as server:
        _, body = await post(server.base_url, usage={"include": True})
    reply = json.loads(body)
    assert reply["choices"][0]["message"]["content"] == "Because."
    assert server.usage().calls == 1
    assert server.usage().prompt_tokens == reply["usage"]["prompt_tokens"]
    assert server.usage().cost == reply["usage"]["cost"] > 0


async def test_a_client_that_does_not_ask_as_openrouter_does_sees_no_cost() -> None:
    async with scripted_server(lambda seen: text("Because.")) as server:
        _, body = await post(server.base_url)
    assert "cost" not in json.loads(body)["usage"]


async def test_a_stream_has_several_chunks_and_its_usage_last() -> None:
    async with scripted_server(lambda seen: text("Because it is so.", reasoning="hm")) as server:
        _, body = await post(server.base_url, stream=True, stream_options={"include_usage": True})
    sent = chunks(body)
    deltas = [choice["delta"] for chunk in sent for choice in chunk["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == "Because it is so."
    assert "".join(delta.get("reasoning", "") for delta in deltas) == "hm"
    assert len(deltas) > 3
    assert [bool(chunk.get("usage")) for chunk in sent] == [False] * (len(sent) - 1) + [True]


async def test_tool_calls_keep_raw_arguments() -> None:
    calls = tool_calls([("web_search", {"query": "x"}), ("bash", '{"command": ')])
    async with scripted_server(lambda seen: calls) as server:
        _, body = await post(server.base_url)
    sent = json.loads(body)["choices"][0]["message"]["tool_calls"]
    assert [call["function"]["arguments"] for call in sent] == ['{"query": "x"}', '{"command": ']
    assert sent[0]["id"] != sent[1]["id"]


async def test_every_request_is_kept_with_what_it_offered() -> None:
    async def script(seen: Seen) -> Reply:
        await asyncio.sleep(0)
        return structured({"ok": seen.wants_json})

    tools = [{"type": "function", "function": {"name": "bash"}}]
    async with scripted_server(script) as server:
        _, body = await post(server.base_url, tools=tools, response_format={"type": "json_object"})
    assert json.loads(json.loads(body)["choices"][0]["message"]["content"]) == {"ok": True}
    seen = server.requests[0]
    assert (seen.model, seen.last, seen.tool_names) == ("vendor/one", "Why?", ["bash"])
    assert server.seen_by("vendor/one") == [seen]


async def test_replies_come_in_turn_and_the_last_repeats() -> None:
    script = in_turn(status(429, headers={"Retry-After": "2"}), garbage(), text("Fine."))
    async with scripted_server(script) as server:
        replies = [await post(server.base_url) for _ in range(4)]
    assert [code for code, _ in replies] == [429, 200, 200, 200]
    assert replies[1][1].startswith("<html>")
    assert "Fine." in replies[3][1]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_broken_stream_drops_the_connection(stream: bool) -> None:
    async with scripted_server(lambda seen: broken_stream("One two three.")) as server:
        with pytest.raises(aiohttp.ClientPayloadError):
            await post(server.base_url, stream=stream)
    assert server.usage().calls == 0


async def test_an_upstream_error_comes_in_three_shapes() -> None:
    script = in_turn(upstream_error(), upstream_error(shape="event"), upstream_error(shape="body"))
    async with scripted_server(script) as server:
        replies = [await post(server.base_url, stream=True) for _ in range(3)]
    assert [code for code, _ in replies] == [200, 200, 200]
    assert chunks(replies[0][1])[-1]["choices"][0]["finish_reason"] == "error"
    assert chunks(replies[1][1])[-1]["error"]["code"] == 502
    assert json.loads(replies[2][1])["error"]["code"] == 502


@pytest.mark.parametrize("reply", [hang(), keep_alive_only()])
async def test_a_client_that_gives_up_is_noticed(reply: Reply) -> None:
    async with scripted_server(lambda seen: reply) as server:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(post(server.base_url, stream=True), 0.2)
        await asyncio.sleep(0.1)
        assert len(server.abandoned) == 1
        assert server.in_flight == server.open_connections == 0


async def test_a_reply_can_be_late() -> None:
    def script(seen: Seen) -> Reply:
        return text("Late.").after(1.0) if seen.body.get("stream") else text("At once.")

    done = []
    async with scripted_server(script) as server:

        async def ask(name: str, **more: Any) -> None:
            await post(server.base_url, **more)
            done.append(name)

        await asyncio.gather(ask("late", stream=True), ask("at once"))
    assert done == ["at once", "late"]


async def test_a_script_that_raises_fails_the_test() -> None:
    def script(seen: Seen) -> Reply:
        raise LookupError("no such line")

    with pytest.raises(LookupError, match="no such line"):
        async with scripted_server(script) as server:
            assert (await post(server.base_url))[0] == 500


async def test_the_models_are_listed() -> None:
    async with (
        scripted_server(lambda seen: text(""), models=["a", "b"]) as server,
        aiohttp.ClientSession() as session,
        session.get(f"{server.base_url}/models") as response,
    ):
        assert [model["id"] for model in (await response.json())["data"]] == ["a", "b"]


async def test_what_was_meant_for_an_earlier_server_at_the_same_port_is_not_counted() -> None:
    async with scripted_server(lambda seen: text("42.")) as server:
        stray = str(URL(server.base_url).with_path("/v1"))
        code, _ = await post(stray)
        assert (code, server.requests) == (404, [])
