"""The official OpenAI client, unchanged, against a running server."""

from typing import Any

from tests.graph.cast import JUDGE, WRITER, A, B, C, cast
from tests.scripted import text
from tests.server.conftest import Serving

PANEL: dict[str, Any] = {"panel": [A, B, C], "judge": JUDGE, "synthesizer": WRITER, "tools": []}
ASK: Any = {"model": "fusion", "messages": [{"role": "user", "content": "What is it?"}]}


def asking(**fusion: Any) -> Any:
    """A request for a scripted panel."""
    return ASK | {"extra_body": {"fusion": PANEL | fusion}}


async def test_a_conversation_is_answered_by_the_panel(serving: Serving) -> None:
    served = await serving(cast(answer="It is 42."))
    reply = await served.client.chat.completions.create(**asking())
    assert reply.choices[0].message.content == "It is 42."
    assert reply.choices[0].finish_reason == "stop"
    assert {seen.model for seen in served.models.requests} == {A, B, C, JUDGE, WRITER}
    billed = served.models.usage()
    assert reply.usage is not None
    assert reply.usage.prompt_tokens == billed.prompt_tokens
    assert reply.usage.completion_tokens == billed.completion_tokens


async def test_a_stream_is_the_same_text_in_pieces(serving: Serving) -> None:
    served = await serving(cast({WRITER: text("It is 42, " * 100, pace=0.01)}))
    pieces = []
    async for chunk in await served.client.chat.completions.create(**asking(), stream=True):
        pieces.append(chunk.choices[0].delta.content or "")
    assert "".join(pieces) == ("It is 42, " * 100).strip()
    assert sum(map(bool, pieces)) > 1
