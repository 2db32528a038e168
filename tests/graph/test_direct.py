"""Mode `direct`: the synthesizer answers the conversation alone."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from langgraph_fusion.graph.errors import WriterFailed
from tests.graph.cast import WRITER, cast, settings
from tests.graph.conftest import Fuse, Serve
from tests.scripted import status, text


async def test_only_the_writer_is_asked_and_the_result_says_so(fuse: Fuse) -> None:
    fused = await fuse(cast(answer="Hello."), settings(mode="direct"))
    assert [seen.model for seen in fused.server.requests] == [WRITER]
    assert fused.result.answer == "Hello."
    assert fused.result.mode == "direct"
    assert fused.result.written_by == f"openrouter:{WRITER}"
    assert (fused.result.panel, fused.result.analysis, fused.result.ended_by) == ((), None, None)
    assert [call.stage for call in fused.result.bill.calls] == ["synthesizer"]
    assert "".join(event["text"] for event in fused.told("writer.delta")) == "Hello."


async def test_the_writer_gets_the_conversation_as_it_is(fuse: Fuse) -> None:
    turns = [
        SystemMessage("Be brief."),
        HumanMessage("Hi."),
        AIMessage("Hello."),
        HumanMessage("?"),
    ]
    fused = await fuse(cast(), settings(mode="direct"), turns)
    seen = fused.server.requests[0].messages
    assert [(one["role"], one["content"]) for one in seen] == [
        ("system", "Be brief."), ("user", "Hi."), ("assistant", "Hello."), ("user", "?"),
    ]  # fmt: skip


async def test_links_of_the_model_are_left_alone(fuse: Fuse) -> None:
    answer = "See https://example.org/x and [A1]."
    fused = await fuse(cast(answer=answer), settings(mode="direct"))
    assert fused.result.answer == answer
    assert fused.result.unverified == ()


async def test_panel_keys_and_folders_are_not_needed(fuse: Fuse) -> None:
    alone = settings(
        mode="direct",
        panel=["openai:gpt-5"],
        judge="openai:gpt-5",
        tools=["docs"],
        docs="/nowhere",
        search="tavily",
    )
    fused = await fuse(cast(answer="Hello."), alone)
    assert fused.result.answer == "Hello."


async def test_a_fallback_takes_over_and_nobody_left_is_an_error(fuse: Fuse, serve: Serve) -> None:
    seat = {"model": "w/broken", "fallbacks": [WRITER]}
    script = cast({"w/broken": status(402), WRITER: text("Spare.")})
    fused = await fuse(script, settings(mode="direct", synthesizer=seat))
    assert fused.result.answer == "Spare."
    assert "synthesizer_switched" in fused.result.degraded
    with pytest.raises(WriterFailed, match="w/broken") as caught:
        await fuse(script, settings(mode="direct", synthesizer="w/broken"))
    assert caught.value.reason == "insufficient_credits"


async def test_a_long_text_is_continued(fuse: Fuse) -> None:
    replies = [text("One ", finish_reason="length"), text("two.")]
    fused = await fuse(cast({WRITER: lambda _: replies.pop(0)}), settings(mode="direct"))
    assert fused.result.answer == "One two."
