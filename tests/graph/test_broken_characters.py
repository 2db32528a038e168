"""Half a character, as JSON can carry it, is replaced wherever a model can put it."""

import json

import pytest

from langgraph_fusion.graph.errors import ConfigError
from tests.graph.cast import WRITER, A, cast, contradiction, settings
from tests.graph.conftest import Fuse, Fused
from tests.scripted import in_turn, text, tool_calls

HALF = "\ud83d"
LOST = "\N{REPLACEMENT CHARACTER}"


async def test_half_a_character_in_an_answer_is_replaced(fuse: Fuse) -> None:
    script = cast({A: text(f"Alpha says{HALF} 42."), WRITER: text(f"So {HALF} it is.")})
    fused = await fuse(script, settings())
    assert fused.result.answers[0].text == f"Alpha says{LOST} 42."
    assert f"So {LOST} it is." in fused.result.answer
    _can_be_encoded(fused)


async def test_half_a_character_in_an_analysis_is_replaced(fuse: Fuse) -> None:
    found = contradiction(topic=f"the{HALF} number")
    fused = await fuse(cast({}, analysis={"contradictions": [found]}), settings(max_rounds=0))
    assert fused.result.analysis is not None
    assert fused.result.analysis.contradictions[0].topic == f"the{LOST} number"
    _can_be_encoded(fused)


async def test_half_a_character_in_a_tool_call_is_replaced(fuse: Fuse, docs: str) -> None:
    search = tool_calls([("docs_search", {"query": f"fusion{HALF} panel"})])
    script = cast({A: in_turn(search, text("42."))})
    fused = await fuse(script, settings(docs=docs, tools=["docs"]))
    assert fused.result.answers[0].text == "42."
    assert fused.result.answers[0].tool_errors == 0
    _can_be_encoded(fused)


async def test_a_question_with_half_a_character_is_refused_before_anybody_is_asked(
    fuse: Fuse,
) -> None:
    with pytest.raises(ConfigError, match="messages: number 1 holds bytes"):
        await fuse(cast({}), settings(), f"What{HALF} is it?")


def _can_be_encoded(fused: Fused) -> None:
    assert fused.result.model_dump_json().encode()
    for event in fused.events:
        assert json.dumps(event, ensure_ascii=False).encode()
