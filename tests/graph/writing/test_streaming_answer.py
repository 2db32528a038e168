"""The pieces of an answer, joined, are the final text, however the writer's text is cut."""

import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langgraph_fusion.graph.writing.check import checked_answer
from langgraph_fusion.graph.writing.streaming_answer import RESTARTED, LiveAnswer
from langgraph_fusion.models.tool_markup import strip_tool_markup
from langgraph_fusion.tools.sources import Sources
from tests.graph.writing.test_check import MARKDOWN
from tests.models.leaked_texts import MARKED, THOUGHTS

DRAFTS = (
    "It is 42 [A1]. It was 17 [B1][A1], or [A1, B2] and [A1] [C9].\n\n- one [A2]\n- two [B1]",
    "  \n\nStarts late [A1]\nand ends late. \n\n",
    "See https://one.example/a, https://nowhere.example/x?y=[A1] and [it](https://one.example/b).",
    "A link [text](https://no.example), [A1](https://one.example/a) and [A1](#x) [B1](",
    "Code `[A1] x` and ``a`b`` then `open [A1]\nnext [A2] line\n```py\nx = '[A1]'\n```\nend [A1]",
    "~~~\n[A1] http://in.code\n~~~\nafter ~ [A1] ~~struck~~ [B1]\n```\nnever closed [A1] ``",
    "中文没有空格[A1] 见https://nowhere.example/路径[B1] 还有[A2]和[Z9]",
    "[A1,\nB1] [A1;A2] [ A1 ] [AB] [A12345] [] [x] [TOO long] a<b>c <br> h "
    "ht htt http https: ]( ](h",
    "Before.\n<tool_call>{\"name\": \"web_search\"}</tool_call>\nAfter [A1].",
    "<think>\nhm\n</think>\nAnswer [A1].",
    "Plain " * 900 + "[A1]",
    "[A1]https://evil.example/x and [B1]http",
    "See www.one.example/a, **www.no.example**, a@www.no.example, [it](www.one.example/b), ww w",
    "```\n```\n`[A1]\n`> ",
    "",
)  # fmt: skip


def _sources() -> Sources:
    sources = Sources()
    for seat, url in (("A", "a"), ("A", "b"), ("B", "a"), ("B", "c")):
        sources.add(seat, "page", f"https://one.example/{url}", f"Page {url}", f"text {url}")
    return sources


def _events(pieces: Iterable[str], final: str) -> Iterable[dict[str, Any]]:
    sources = [one.model_dump(exclude={"text"}) for one in _sources().all()]
    yield {"type": "sources", "sources": sources}
    yield {"type": "writer.started"}
    yield from ({"type": "writer.delta", "text": piece} for piece in pieces)
    yield {"type": "run.finished", "result": {"answer": final}}


def _cut(text: str, sizes: random.Random) -> Iterable[str]:
    while text:
        size = sizes.randint(1, 9)
        yield text[:size]
        text = text[size:]


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("seed", range(20))
def test_the_pieces_joined_are_the_final_text(draft: str, seed: int) -> None:
    final = checked_answer(strip_tool_markup(draft).strip(), _sources()).text
    live = LiveAnswer()
    sent = "".join(live.take(event) for event in _events(_cut(draft, random.Random(seed)), final))
    assert sent == final


@settings(max_examples=400, deadline=None)
@given(MARKDOWN, st.randoms(use_true_random=False))
def test_random_markdown_streams_to_its_final_text(draft: str, random: random.Random) -> None:
    final = checked_answer(draft, _sources()).text
    live = LiveAnswer()
    sent = "".join(live.take(event) for event in _events(_cut(draft, random), final))
    assert sent == final


_STARTS = (
    """- |* |+ |1. |2. |3) |10. |  - |   1. |    |  |> |# |```|  ```||<!-- |<pre>|-|1.|[x]: """
)
_ENDS = "text [A1]~`a [A1]`~`a~b` [A1]~``[B1]``~| `[A1]` | x |~[C9]~**b** [A1]~https://no.example"
STARTS = [*_STARTS.split("|"), "| a | ", "|-|-|", "|---|", "- |", "\n"]
ENDS = [*_ENDS.split("~"), "", " ", "-->", "</pre>", "\t- x", "a | b"]
LINES = st.lists(
    st.builds("{}{}{}\n".format, *[st.sampled_from(STARTS)] * 2, st.sampled_from(ENDS))
)


@settings(max_examples=600, deadline=None)
@given(LINES.map("".join), st.randoms(use_true_random=False))
def test_lists_tables_and_their_likes_stream_to_their_final_text(
    draft: str, random: random.Random
) -> None:
    final = checked_answer(draft, _sources()).text
    live = LiveAnswer()
    sent = "".join(live.take(event) for event in _events(_cut(draft, random), final))
    assert sent == final


@pytest.mark.parametrize("leak", (MARKED | THOUGHTS).values(), ids=MARKED | THOUGHTS)
def test_no_beginning_of_leaked_markup_is_sent(leak: str) -> None:
    draft = f"{leak}\n\nThere are 214 fish [A1]."
    final = checked_answer(strip_tool_markup(draft), _sources()).text
    for seed in range(10):
        live, pieces = LiveAnswer(), _cut(draft, random.Random(seed))
        sent = "".join(live.take(event) for event in _events(pieces, final))
        if not leak.startswith("Secret."):  # without a beginning only its end tells
            assert sent == final


def test_text_between_code_is_sent_long_before_the_end() -> None:
    blocks = "Use `a` and ``b`` [A1].\n\n```py\nx = 1\n\ny = 2\n```\n\n- one `c` [A2]\n- two\n\n"
    live = LiveAnswer()
    early = [live.take(e) for e in _events(_cut(blocks * 20, random.Random(1)), "")][:-1]
    assert len("".join(early)) > len(blocks) * 19


def test_text_is_sent_long_before_the_end() -> None:
    draft = "The number is 42 [A1], as the register says. " * 40
    live = LiveAnswer()
    early = [live.take(event) for event in _events(_cut(draft, random.Random(1)), "")][:-1]
    assert "".join(early).startswith("The number is 42 [[1]](https://one.example/a), as the")
    assert sum(map(bool, early)) > len(early) / 2


def test_a_writer_that_gives_way_after_some_text_leaves_a_notice_and_the_whole_answer() -> None:
    live = LiveAnswer()
    live.take({"type": "writer.started"})
    assert live.take({"type": "writer.delta", "text": "Half an ans "}) == "Half an ans"
    assert live.take({"type": "writer.started"}) == RESTARTED
    assert live.take({"type": "writer.delta", "text": "Whole."}) == "Whole."
    assert live.take({"type": "run.finished", "result": {"answer": "Whole."}}) == ""


def test_a_writer_that_gives_way_before_any_text_leaves_no_trace() -> None:
    live = LiveAnswer()
    assert live.take({"type": "writer.started"}) + live.take({"type": "writer.started"}) == ""


def test_an_answer_that_is_not_what_was_written_follows_whole() -> None:
    live = LiveAnswer()
    live.take({"type": "writer.started"})
    live.take({"type": "writer.delta", "text": "Something else. "})
    assert live.take({"type": "run.finished", "result": {"answer": "The best member's."}}) == (
        RESTARTED + "The best member's."
    )


@pytest.mark.timeout(60)
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("line", ["word ", "- item [A1] says `x`\n", "| a | [A1] |\n", "> q [A1] "])
def test_a_very_long_list_table_or_paragraph_costs_little_a_piece(line: str, plain: bool) -> None:
    """Read anew with every piece, such a block would take an hour."""
    draft = line * (300_000 // len(line))
    live = LiveAnswer(plain=plain)
    pieces = (draft[at : at + 8] for at in range(0, len(draft), 8))
    sent = "".join(live.take(event) for event in _events(pieces, draft.strip()))
    assert sent.endswith(draft.strip()[-1000:])


def test_a_writer_that_starts_again_after_held_back_text_is_read_again() -> None:
    live = LiveAnswer()
    live.take({"type": "writer.started"})
    for _ in range(3000):
        live.take({"type": "writer.delta", "text": "- an item\n"})
    live.take({"type": "writer.started"})
    assert live.take({"type": "writer.delta", "text": "Whole now. "}) == "Whole now."
