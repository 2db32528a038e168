import json
from typing import Any

import pytest

from langgraph_fusion.models.errors import MissingKey, MissingPackage, ModelConfigError
from langgraph_fusion.models.factory import ModelOptions, chat_model
from langgraph_fusion.models.providers import ModelRef
from tests.models.scripted_models import SECRET, openrouter, vllm
from tests.scripted import Seen, scripted_server, text


async def sent_by(build: Any, **options: Any) -> Seen:
    async with scripted_server(lambda seen: text("Yes.")) as server:
        await build(server.base_url, **options).ainvoke("Why?")
    return server.requests[0]


async def test_openrouter_gets_its_own_parameters() -> None:
    seen = await sent_by(
        openrouter,
        temperature=0.2,
        reasoning_effort="xhigh",
        max_tokens=700,
        extra={"provider": {"sort": "price"}},
    )
    assert seen.model == "vendor/one"
    assert seen.path == "/v1/chat/completions"
    assert seen.body["usage"] == {"include": True}
    assert seen.body["reasoning"] == {"effort": "xhigh"}
    assert seen.body["provider"] == {"sort": "price"}
    assert (seen.body["temperature"], seen.body["max_completion_tokens"]) == (0.2, 700)
    assert "reasoning_effort" not in seen.body
    assert seen.headers["x-title"] == "langgraph-fusion"
    assert seen.headers["authorization"] == f"Bearer {SECRET}"


async def test_a_local_server_gets_the_words_it_knows_and_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_PROXY", "http://127.0.0.1:9")
    seen = await sent_by(vllm, reasoning_effort="xhigh", max_tokens=700)
    assert (seen.body["max_tokens"], seen.body["reasoning_effort"]) == (700, "high")
    assert not {"max_completion_tokens", "usage", "reasoning"} & seen.body.keys()
    assert SECRET not in json.dumps(dict(seen.headers))
    assert "org-of-somebody" not in json.dumps(dict(seen.headers))


async def test_openai_gets_reasoning_effort_and_never_the_responses_api(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-ours")
    ref = ModelRef("openai", "gpt-5.5-pro")  # ChatOpenAI alone would switch to /responses here
    async with scripted_server(lambda seen: text("Yes.")) as server:
        env = {"OPENAI_API_KEY": SECRET, "OPENAI_BASE_URL": server.base_url}
        model = chat_model(ref, ModelOptions(reasoning_effort="max"), env=env)
        await model.ainvoke("Why?")
    assert server.requests[0].path == "/v1/chat/completions"
    assert server.requests[0].body["reasoning_effort"] == "xhigh"
    assert server.requests[0].headers["openai-organization"] == "org-of-ours"


async def test_what_is_not_set_is_not_sent() -> None:
    seen = await sent_by(vllm)
    assert seen.body.keys() == {"model", "messages", "stream", "stream_options"}


def test_a_missing_key_is_refused_by_name() -> None:
    with pytest.raises(MissingKey, match=r"`OPENROUTER_API_KEY`.*offline"):
        chat_model(ModelRef("openrouter", "vendor/one"), env={})


def test_a_missing_package_is_refused_by_name() -> None:
    with pytest.raises(MissingPackage, match="pip install langchain-groq"):
        chat_model(ModelRef("groq", "llama"), env={"GROQ_API_KEY": "k"})


def test_an_effort_that_would_be_dropped_is_refused() -> None:
    options = ModelOptions(reasoning_effort="high")
    env = {"AZURE_OPENAI_API_KEY": "k"}
    with pytest.raises(ModelConfigError, match="reasoning_effort"):
        chat_model(ModelRef("azure_openai", "gpt"), options, env=env)


def test_building_needs_no_event_loop_and_is_done_once() -> None:
    first = openrouter("http://127.0.0.1:9/v1", temperature=0.5)
    assert openrouter("http://127.0.0.1:9/v1", temperature=0.5) is first


def test_a_model_shows_no_key() -> None:
    model = openrouter("http://127.0.0.1:9/v1")
    assert SECRET not in f"{model!r}{model!s}{model.model_dump()}{model.model_dump_json()}"


def test_a_synchronous_call_is_refused_in_words() -> None:
    with pytest.raises(RuntimeError, match="asynchronous"):
        openrouter("http://127.0.0.1:9/v1").invoke("Why?")


@pytest.mark.parametrize(
    "url", ["not a url", "127.0.0.1:8080", "ftp://x/v1", "http://", "http://x:99999/v1"]
)
def test_an_address_that_is_none_is_refused_by_the_name_of_its_variable(url: str) -> None:
    with pytest.raises(ModelConfigError, match="`LOCAL_BASE_URL` holds no address"):
        chat_model(ModelRef("local", "m"), env={"LOCAL_BASE_URL": url})
