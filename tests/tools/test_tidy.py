"""What is taken out of a passage says nothing: words, code, tables and depth stay."""

import ast
import re
import textwrap
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from langgraph_fusion.tools.formatting import source_block
from langgraph_fusion.tools.sources import Sources
from langgraph_fusion.tools.tidy import tidied

LINES = some.lists(
    some.tuples(
        some.integers(0, 9),
        some.sampled_from(
            [
                "",
                "* An item of a list that is long enough to be wrapped at",
                "the margin, with a second line that goes on with the first.",
                "Sent.  Two spaces.",
                "============",
                "if x == 1:",
                "return {1: 2};",
                "```",
                "name     value   unit",
                "| a  |  b |",
                "\tall: tabs",
                "Schlüssel:  Wert (siehe `docs`) — 12 %",
            ]
        ),
    ).map(lambda one: " " * one[0] + one[1]),
    max_size=25,
).map("\n".join)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"={4,}", "===", text).split())


@given(LINES)
def test_no_word_is_lost_and_no_line_joined(text: str) -> None:
    shown = tidied(text)
    assert _plain(shown) == _plain(text)
    assert [_plain(one) for one in shown.split("\n") if one.strip()] == [
        _plain(one) for one in text.split("\n") if one.strip()
    ]
    assert len(shown) <= len(text)
    assert tidied(shown).split() == shown.split()


CODE = some.recursive(
    some.sampled_from(["x = 1", "run(x)", "return", "# why"]).map(lambda one: [one]),
    lambda inner: some.lists(inner, min_size=1, max_size=3).map(
        lambda blocks: ["while x:", *(f"    {line}" for one in blocks for line in one), "    pass"]
    ),
    max_leaves=12,
).map(lambda lines: "\n".join(["def f(x):", *(f"    {line}" for line in lines), "    pass"]))


@given(CODE, some.integers(0, 8))
def test_code_without_a_fence_means_the_same(code: str, margin: int) -> None:
    indented = textwrap.indent(code, " " * margin)
    shown = tidied(f"The example is:\n\n{indented}\n\nIt runs.")
    block = shown.removeprefix("The example is:").removesuffix("It runs.").strip("\n")
    assert ast.dump(ast.parse(textwrap.dedent(block))) == ast.dump(ast.parse(code))


def test_fenced_code_and_tables_keep_their_columns() -> None:
    fenced = "```make\nall:\n\n\n\tcc   -o x\n        y  \n```"
    table = "   Name      Unit\n   --------  ----\n   Length       m\n             or ft"
    assert tidied(f"Text:\n\n{fenced}") == f"Text:\n\n{re.sub(' +$', '', fenced, flags=re.M)}"
    shown = tidied(f"Text:\n\n{table}").removeprefix("Text:\n\n").split("\n")
    starts = [len(line) - len(line.lstrip()) for line in shown]
    assert [a - b for a, b in pairwise(starts)] == [0, 0, -10]
    assert textwrap.dedent("\n".join(shown)) == textwrap.dedent(table)


def test_a_wrapped_item_a_heading_and_doubled_blanks_are_shown_in_fewer_characters() -> None:
    text = (
        "Notes\n=====================\n\n\n * The value of the variable that was read there\n"
        "   is not checked.  It will be.\n\n      - nested\n"
    )
    assert tidied(text) == (
        "Notes\n===\n\n * The value of the variable that was read there\n"
        "is not checked. It will be.\n\n  - nested"
    )


def test_a_source_keeps_its_text_and_an_output_is_shown_as_it_is() -> None:
    sources, text = Sources(), "  a\n      b\n\n\n  =====\n  c"
    page = sources.add("A", "page", "https://e.org/", "T", text)
    output = sources.add("A", "command", "", "ls", text)
    assert page.text == output.text == text
    assert "\na\n b\n\n===\nc\n" in source_block(page)
    assert text in source_block(output)
