import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage

from langgraph_fusion.models.offline import OFFLINE_MODELS, offline_model
from tests.models.offline.prompts import (
    analysis_block,
    answer_block,
    human,
    question_block,
    source_block,
)
from tests.models.offline.transcripts import found, reply

WRITERS_PROMPT = human(
    question_block("How long is the timeout?"),
    analysis_block({"consensus": []}),
    answer_block("A", "The timeout is 30 seconds [A1].", [source_block("A1", "It is 30 s.")]),
)


@pytest.mark.parametrize("name", OFFLINE_MODELS)
def test_every_offline_model_is_a_chat_model(name: str) -> None:
    assert isinstance(offline_model(name), BaseChatModel)


def test_an_unknown_name_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(ValueError, match="keyword, broad, careful, judge, writer"):
        offline_model("nobody")


@pytest.mark.parametrize("name", OFFLINE_MODELS)
@pytest.mark.parametrize(
    "text", ["", "?!", "<question>", "<answer seat=", "Привет, как дела?", "何"]
)
def test_any_input_gets_a_reply(name: str, text: str) -> None:
    message = offline_model(name).invoke([HumanMessage(text)])
    assert message.text
    assert not message.tool_calls


@pytest.mark.parametrize("name", OFFLINE_MODELS)
def test_the_same_input_gives_the_same_output(name: str) -> None:
    messages = found("How long is the timeout?", {"A1": "The timeout is 30 seconds."})
    first, second = (offline_model(name).invoke(messages) for _ in range(2))
    assert first.content == second.content


def test_words_are_counted_and_the_cost_is_known_to_be_zero() -> None:
    message = reply("keyword", found("How long is it?", {"A1": "It is long."}), tools=())
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_tokens"] == len(str(message.text).split())
    assert message.usage_metadata["input_tokens"] > 0
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.response_metadata["cost"] == 0.0


async def test_the_writer_streams_word_by_word() -> None:
    chunks = [chunk async for chunk in offline_model("writer").astream(WRITERS_PROMPT)]
    whole = offline_model("writer").invoke(WRITERS_PROMPT)
    texts = [str(chunk.text) for chunk in chunks if chunk.text]
    assert len(texts) == len(str(whole.text).split()) > 3
    assert "".join(texts) == whole.text


async def test_streamed_chunks_add_up_to_one_message_with_usage_and_cost() -> None:
    total: AIMessageChunk | None = None
    async for chunk in offline_model("writer").astream(WRITERS_PROMPT):
        assert isinstance(chunk, AIMessageChunk)
        total = chunk if total is None else total + chunk
    assert total is not None
    assert total.response_metadata["finish_reason"] == "stop"
    assert total.response_metadata["cost"] == 0.0
    assert total.usage_metadata is not None
    assert total.usage_metadata["output_tokens"] > 3


async def test_models_answer_asynchronously() -> None:
    messages = found("How long is the timeout?", {"A1": "The timeout is 30 seconds."})
    assert "30 seconds [A1]" in (await offline_model("broad").ainvoke(messages)).text
