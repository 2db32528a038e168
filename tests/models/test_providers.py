import pytest

from langgraph_fusion.models.errors import BadModelRef
from langgraph_fusion.models.providers import ModelRef, missing_key, missing_package, providers


def missing(text: str, **env: str) -> str | None:
    return missing_key(ModelRef.parse(text), env)


def test_the_variable_of_a_missing_key_is_named() -> None:
    assert missing("vendor/name") == "OPENROUTER_API_KEY"
    assert missing("vendor/name", OPENROUTER_API_KEY=" ") == "OPENROUTER_API_KEY"
    assert missing("vendor/name", OPENROUTER_API_KEY="k") is None
    assert missing("anthropic:claude-opus-4-8") == "ANTHROPIC_API_KEY"


def test_servers_on_this_machine_need_no_key_but_local_needs_an_address() -> None:
    assert missing("ollama:qwen3:8b") is None
    assert missing("vllm:m") is None
    assert missing("offline:extractive") is None
    assert missing("local:m") == "LOCAL_BASE_URL"
    assert missing("local:m", LOCAL_BASE_URL="http://127.0.0.1:9") is None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1:11500", "http://127.0.0.1:11500/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        (":11500", "http://127.0.0.1:11500/v1"),
        ("[::]:11500", "http://127.0.0.1:11500/v1"),
        ("box", "http://box:11434/v1"),
        ("https://box.example/", "https://box.example/v1"),
        ("", "http://127.0.0.1:11434/v1"),
    ],
)
def test_ollama_host_is_honoured(host: str, address: str) -> None:
    assert providers()["ollama"].address({"OLLAMA_HOST": host}) == address


def test_an_address_from_the_environment_wins() -> None:
    env = {"OLLAMA_HOST": "box", "OLLAMA_BASE_URL": "http://other:1/api/v1/"}
    assert providers()["ollama"].address(env) == "http://other:1/api/v1"
    assert providers()["openai"].address({"OPENAI_BASE_URL": "http://gate/openai"}) == (
        "http://gate/openai"
    )
    assert providers()["lmstudio"].address({}) == "http://127.0.0.1:1234/v1"


def test_a_package_that_is_not_installed_is_named() -> None:
    assert missing_package(ModelRef("nvidia", "x")) == "langchain-nvidia-ai-endpoints"
    assert missing_package(ModelRef("azure_openai", "x")) is None
    assert missing_package(ModelRef("openrouter", "x/y")) is None


@pytest.mark.parametrize(
    ("text", "provider", "name"),
    [
        ("openrouter:vendor/name", "openrouter", "vendor/name"),
        ("vendor/name", "openrouter", "vendor/name"),
        ("vendor/model:free", "openrouter", "vendor/model:free"),
        ("openrouter:~anthropic/claude-opus-latest", "openrouter", "~anthropic/claude-opus-latest"),
        ("~anthropic/claude-opus-latest", "openrouter", "~anthropic/claude-opus-latest"),
        ("ollama:qwen3:8b", "ollama", "qwen3:8b"),
        ("openai:gpt-5", "openai", "gpt-5"),
        ("google-genai:gemini-3-pro", "google_genai", "gemini-3-pro"),
        (" OpenAI:gpt-5 ", "openai", "gpt-5"),
    ],
)
def test_a_model_is_read(text: str, provider: str, name: str) -> None:
    ref = ModelRef.parse(text)
    assert (ref.provider, ref.name) == (provider, name)
    assert ModelRef.parse(str(ref)) == ref


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("", "provider:name"),
        ("two words", "provider:name"),
        ("vendor/name*3", "provider:name"),
        ("opnai:gpt-5", "Known: .*openai"),
        ("gpt-5", "whose model"),
        ("openai:", "no model after the provider"),
    ],
)
def test_a_bad_model_is_refused_with_the_way_out(text: str, way_out: str) -> None:
    with pytest.raises(BadModelRef, match=way_out) as caught:
        ModelRef.parse(text)
    assert f"`{text}`" in str(caught.value)
