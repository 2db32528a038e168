"""How many calls a server takes: what it says, what is chosen, and what is assumed."""

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from langgraph_fusion.models.errors import ModelConfigError
from langgraph_fusion.models.parallel import chosen_limits, learned_limit, queue_for
from langgraph_fusion.models.providers import ModelRef, providers
from tests.tools.site import site

LOADED = {"models": [{"loaded_instances": [{"config": {"parallel": 4}}, {"config": {}}]}]}


@pytest.mark.parametrize(
    ("provider", "pages", "limit"),
    [
        ("local", {"/props": {"total_slots": 3}}, 3),
        ("local", {"/props": {"total_slots": 0}, "/v1/models": {"data": [{"id": "m"}]}}, 1),
        ("local", {"/props": {"total_slots": "many"}, "/v1/models": {"data": []}}, 1),
        ("local", {"/props": {"total_slots": True}, "/v1/models": {"data": None}}, 1),
        ("local", {"/v1/models": {"data": [{"id": "m", "owned_by": "library"}]}}, 1),
        ("vllm", {"/v1/models": {"data": [{"id": "m", "owned_by": "vllm"}]}}, 10_000),
        ("lmstudio", {"/v1/models": {"data": [{}]}, "/api/v1/models": LOADED}, 4),
        ("lmstudio", {"/v1/models": {"data": [{}]}, "/api/v1/models": {"models": [7]}}, 1),
        ("local", {}, None),
    ],
)
async def test_a_server_says_how_many_calls_it_takes(
    provider: str, pages: Mapping[str, Any], limit: int | None
) -> None:
    async with site({path: web.json_response(body) for path, body in pages.items()}) as server:
        assert await learned_limit(providers()[provider], f"{server.base}/v1", {}) == limit


async def test_what_is_no_answer_is_none() -> None:
    for page in (web.Response(text="<html>"), web.json_response([1]), web.Response(status=500)):
        async with site({"/props": page, "/v1/models": page}) as server:
            assert await learned_limit(providers()["local"], f"{server.base}/v1", {}) is None
    assert await learned_limit(providers()["local"], "http://127.0.0.1:9/v1", {}) is None


@pytest.mark.parametrize(("said", "limit"), [("", 1), ("4", 4), ("0", 1), ("many", 1), (" 2 ", 2)])
async def test_ollama_is_believed_by_its_own_variable(said: str, limit: int) -> None:
    assert await learned_limit(providers()["ollama"], "", {"OLLAMA_NUM_PARALLEL": said}) == limit


async def test_what_is_chosen_holds_for_any_provider_and_asks_nobody() -> None:
    env = {"FUSION_PARALLEL": "local=2, openrouter=5", "OPENROUTER_API_KEY": "k"}
    async with site({}) as server:
        where = env | {"LOCAL_BASE_URL": server.base}
        local = await queue_for(ModelRef("local", "m"), where)
        assert (local.limit if local else None) == 2
        assert local is await queue_for(ModelRef("local", "other"), where)
        assert server.seen == []
    remote = await queue_for(ModelRef("openrouter", "v/m"), env)
    assert (remote.limit if remote else None) == 5
    assert await queue_for(ModelRef("openai", "m"), env) is None
    assert await queue_for(ModelRef("openrouter", "v/m"), {}) is None


async def test_a_server_is_asked_once_and_not_before_every_call() -> None:
    async with site({"/props": web.json_response({"total_slots": 2})}) as server:
        env = {"LOCAL_BASE_URL": server.base}
        limits = [await queue_for(ModelRef("local", "m"), env) for _ in range(3)]
        assert {one.limit for one in limits if one} == {2}
        assert len(server.seen) == 1


@pytest.mark.parametrize("text", ["local", "local=0", "local=x", "nobody=2", "local=2;x=1", "=1"])
def test_a_choice_that_cannot_be_read_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(ModelConfigError, match="local=2,ollama=1"):
        chosen_limits(text)
