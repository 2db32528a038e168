"""A request's body is what LangChain's own package for OpenAI would send, but for what it lacks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from langgraph_fusion.models.request_body import accepted_temperature, message_json
from tests.models.scripted_models import openrouter

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
PICTURES: list[dict[str, Any]] = [
    IMAGE,
    {"type": "image", "source_type": "base64", "data": "AAAA", "mime_type": "image/png"},
    {"type": "image", "url": "https://example.org/a.png"},
    {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
    {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
    {"type": "file", "base64": "AAAA", "mime_type": "application/pdf", "filename": "a.pdf"},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
]
CALL = {"name": "look", "args": {"q": "Größe"}, "id": "c1"}


@tool
def look(query: str) -> str:
    """Look something up."""
    return query


def reference(model: str = "gpt-4.1") -> ChatOpenAI:
    return ChatOpenAI(model=model, api_key=SecretStr("none"), use_responses_api=False)


def _messages() -> st.SearchStrategy[BaseMessage]:
    words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    texts = st.builds(lambda text: {"type": "text", "text": text}, words)
    blocks = st.lists(texts | st.sampled_from(PICTURES), max_size=3)
    annotated = texts.map(lambda block: block | {"annotations": []})
    thoughts = st.sampled_from([{"type": "thinking", "thinking": "Hm."}, {"type": "reasoning"}])
    said = words | st.lists(texts | annotated | thoughts, max_size=3)
    calls = st.lists(st.just(CALL), max_size=2)
    names = st.none() | st.just("ann")
    return st.one_of(
        st.builds(HumanMessage, words | blocks, name=names),
        st.builds(SystemMessage, words | st.lists(texts, max_size=2)),
        st.builds(AIMessage, said, tool_calls=calls, name=names),
        st.builds(ToolMessage, words | blocks, tool_call_id=st.just("c1"), name=names),
        st.builds(ChatMessage, words, role=st.just("critic")),
    )


@given(st.lists(_messages(), max_size=4), st.sampled_from(["gpt-4.1", "o3-mini", "vendor/o3"]))
def test_messages_are_sent_as_langchains_package_sends_them(
    messages: list[BaseMessage], model: str
) -> None:
    expected = reference(model)._get_request_payload(messages)["messages"]
    assert [message_json(one, model) for one in messages] == expected


def test_calls_that_could_not_be_read_go_back_as_they_came() -> None:
    broken = {"name": "look", "args": '{"q": ', "id": "c2", "error": None}
    said = AIMessage("", tool_calls=[CALL], invalid_tool_calls=[broken])
    assert [message_json(said, "m")] == reference()._get_request_payload([said])["messages"]


def test_a_message_that_no_server_knows_is_refused() -> None:
    with pytest.raises(TypeError, match="`function` cannot be sent"):
        message_json(FunctionMessage(content="x", name="f"), "m")


@pytest.mark.parametrize("choice", [None, "auto", "none", "any", "required", "look", True, False])
def test_tools_are_offered_as_langchains_package_offers_them(choice: Any) -> None:
    ours: Any = openrouter("http://127.0.0.1:9/v1").bind_tools([look], tool_choice=choice)
    theirs: Any = reference().bind_tools([look], tool_choice=choice)
    assert ours.kwargs == theirs.kwargs


@pytest.mark.parametrize("model", ["gpt-5.5", "GPT-5-mini", "gpt-5-chat-latest", "gpt-4.1", "o3"])
@pytest.mark.parametrize("effort", [None, "none", "high"])
@pytest.mark.parametrize("temperature", [None, 0.0, 0.2, 1.0])
def test_a_temperature_that_would_be_refused_is_left_out(
    model: str, effort: str | None, temperature: float | None
) -> None:
    theirs = ChatOpenAI(
        model=model, api_key=SecretStr("none"), reasoning_effort=effort, temperature=temperature
    )
    assert accepted_temperature(model, temperature, effort) == theirs.temperature
