import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from langgraph_fusion.models.markdown import code_ranges, split_code


def code_in(text: str) -> list[str]:
    return [text[code.start : code.end] for code in code_ranges(text)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no code at all", []),
        ("one `span` here", ["`span`"]),
        ("``foo`` is fast [A1]. It uses ``bar`` [A1].", ["``foo``", "``bar``"]),
        ("a ``b ` c`` d", ["``b ` c``"]),
        ("a stray ` tick and ``two", []),
        ("a ` stray [A1]\n\nand ` another", []),
        ("over `two\nlines` it goes", ["`two\nlines`"]),
        (r"\`not code\` but `code\`", [r"`code\`"]),
        (r"\\`code`", ["`code`"]),
        ("```py\nx = 1\n```\nprose", ["```py\nx = 1\n```\n"]),
        ("~~~\n```\n~~~\nprose `a`", ["~~~\n```\n~~~\n", "`a`"]),
        ("````\n```\n````\n", ["````\n```\n````\n"]),
        ("left open\n```\nx", ["```\nx"]),
        ("```not a fence``` but a span", ["```not a fence```"]),
        ("- item\n\n  ```\n  x\n  ```\n- next", ["  ```\n  x\n  ```\n"]),
        ("> ```\n> x\n> ```\n", ["> ```\n> x\n> ```\n"]),
        ("text\n\n    indented\n\ntext", ["    indented\n"]),
        ("|a|b|\n|-|-|\n|`c|d`|\n", []),
        ("|a|b|\n|-|-|\n|`c`|`d`|\n", ["`c`", "`d`"]),
        ("one `a`\r\ntwo `b`\rthree `c`", ["`a`", "`b`", "`c`"]),
        ("<div>\n`a`\n</div>", ["`a`"]),
    ],
)
def test_code_is_found_as_markdown_means_it(text: str, code: list[str]) -> None:
    assert code_in(text) == code


def test_a_block_says_what_it_holds() -> None:
    (code,) = code_ranges("> ```tool_code extra\n> x = 1\n> ```\n")
    assert (code.kind, code.info, code.content) == ("fence", "tool_code extra", "x = 1\n")


MARKS = ["`", "``", "```", "~~~", "\n", "\n\n", " ", "    ", "a", "[A1]", "> ", "- ", "|", "\\",
         "|-|-|\n", "# ", "\r\n", "\t", "é", "```py\n", "<b>"]  # fmt: skip


@given(st.lists(st.sampled_from(MARKS), max_size=40).map("".join))
def test_the_parts_are_the_text_and_code_is_what_a_parser_calls_code(text: str) -> None:
    parts = split_code(text)
    assert "".join(part for part, _ in parts) == text
    ranges = code_ranges(text)
    assert all(one.end <= two.start for one, two in itertools.pairwise(ranges))
    if "|" in text or "\\" in text or "<" in text:
        return
    tokens = MarkdownIt("commonmark").parse(text)
    blocks = [token.content for token in tokens if token.type in ("fence", "code_block")]
    spans = [
        child.content
        for token in tokens
        for child in token.children or []
        if child.type == "code_inline"
    ]
    assert [code.content for code in ranges if code.kind != "span"] == blocks
    assert len([code for code in ranges if code.kind == "span"]) == len(spans)


@pytest.mark.parametrize("mark", [*MARKS, "` ", "`` `", "- - ", "[a]: b\n", ">\n", "\\`", "||"])
def test_a_long_text_of_any_mark_is_read(mark: str) -> None:
    text = mark * (125_000 // len(mark))
    assert "".join(part for part, _ in split_code(text)) == text


def test_backticks_of_all_lengths_are_read_in_one_pass() -> None:
    lengths = [random.Random(1).randrange(1, 60) for _ in range(20_000)]
    text = " x ".join("`" * length for length in lengths)
    assert code_ranges(text)
