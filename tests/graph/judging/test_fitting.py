"""Judge and writer see less evidence when the prompt is too long for their model."""

import pytest

from tests.graph.cast import JUDGE, WRITER, A, B, C, Part, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Seen, status, structured, text, tool_calls

TOO_LONG = status(400, body={"error": {"message": "prompt is too long: 9 tokens > 8 maximum"}})


def up_to(chars: int, reply: Reply) -> Part:
    return lambda seen: TOO_LONG if len(seen.last) > chars else reply


def researcher(seen: Seen) -> Reply:
    if seen.tool_results:
        return text("Three members [A1]. " + "And so on. " * 900)
    return tool_calls([("docs_search", {"query": "fusion"})])


@pytest.mark.parametrize("chars", [10_000, 4_000], ids=["less", "little"])
async def test_the_judge_is_shown_what_fits(fuse: Fuse, docs: str, chars: int) -> None:
    script = cast({A: researcher, JUDGE: up_to(chars, structured({"best_answer": "A"}))})
    fused = await fuse(script, settings(tools=["docs"], docs=docs))
    assert fused.result.analysis is not None
    assert fused.result.degraded == ("context_compacted",)
    assert '<source id="A1"' in fused.server.seen_by(JUDGE)[-1].last
    assert fused.told("context.compacted")[0]["seat"] == "judge"


async def test_the_writer_is_shown_what_fits(fuse: Fuse, docs: str) -> None:
    script = cast({A: researcher, WRITER: up_to(5_000, text("Done [A1]."))})
    fused = await fuse(script, settings(tools=["docs"], docs=docs))
    assert fused.result.written_by == f"openrouter:{WRITER}"
    assert "The synthesizer saw less evidence" in fused.result.notes[0]


async def test_what_does_not_fit_any_way_goes_to_the_fallback_whole(fuse: Fuse, docs: str) -> None:
    panel = [A, B, C]
    judge = {"model": JUDGE, "fallbacks": ["j/spare"]}
    script = cast({A: researcher, JUDGE: TOO_LONG, "j/spare": structured({"best_answer": "A"})})
    fused = await fuse(script, settings(panel=panel, judge=judge, tools=["docs"], docs=docs))
    assert fused.result.judged_by == "openrouter:j/spare"
    assert "judge_switched" in fused.result.degraded


async def test_tool_calls_of_who_was_offered_none_are_no_answer(fuse: Fuse) -> None:
    call = tool_calls([("web_search", {"query": "x"})])
    fused = await fuse(cast({WRITER: call}), settings())
    assert fused.result.degraded == ("synthesizer_empty",)
    assert fused.result.written_by is not None
    assert fused.result.written_by.startswith("seat")
