from langgraph_fusion.models.local import local_servers
from langgraph_fusion.models.providers import ModelRef
from tests.scripted import garbage, scripted_server, text

NOWHERE = {
    "OLLAMA_BASE_URL": "http://127.0.0.1:9",
    "LMSTUDIO_BASE_URL": "http://127.0.0.1:9",
    "VLLM_BASE_URL": "http://127.0.0.1:9",
}


async def test_the_models_of_a_server_that_answers_are_listed() -> None:
    models = ["qwen3:8b", "nomic-embed-text"]
    async with scripted_server(lambda seen: text(""), models=models) as server:
        found = await local_servers(NOWHERE | {"OLLAMA_BASE_URL": server.base_url})
        assert [(s.provider, s.base_url) for s in found] == [("ollama", server.base_url)]
        assert found[0].models == (ModelRef("ollama", "qwen3:8b"),)


async def test_where_nothing_answers_nothing_is_found() -> None:
    assert await local_servers(NOWHERE, timeout_s=0.5) == []


async def test_a_server_that_is_no_model_server_is_not_found() -> None:
    async with scripted_server(lambda seen: garbage()) as server:
        env = NOWHERE | {"LOCAL_BASE_URL": server.base_url + "/elsewhere"}
        assert await local_servers(env) == []


async def test_a_key_of_a_local_server_is_sent() -> None:
    async with scripted_server(lambda seen: text("")) as server:
        env = NOWHERE | {"VLLM_BASE_URL": server.base_url, "VLLM_API_KEY": "abc"}
        assert len(await local_servers(env)) == 1
        assert server.requests[0].headers["authorization"] == "Bearer abc"
