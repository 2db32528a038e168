import pytest

from langgraph_fusion.models.errors import BadModelRef
from langgraph_fusion.models.ref import ModelRef


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
