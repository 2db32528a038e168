"""Markdown becomes HTML that can do nothing, whatever it says."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import html

from langgraph_fusion.web.markdown import render_markdown
from tests.web.safety import unsafe_parts

PIECES = [
    "[a](", ")", "![", "](", "javascript:alert(1)", "JaVaScRiPt:", "data:text/html,", "vbscript:x",
    "https://ok.example/", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href=",
    "\n", "```", "`", "| a | b |\n|---|:-:|\n| ", "<javascript:alert(1)>", "<https://ok.example>",
    "[x]: javascript:a\n\n[x]", "&#106;avascript:", "\u202e", "\x1b[31m", "**", "_", "# ", "- ",
    "[A1]", "[[1]](https://e.example)", '" onclick="x', "//evil.example/x", "\\", "&quot;", "> ",
    "<svg onload=alert(1)>", "mailto:a@b.example",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=30))
@example(["[x](java\nscript:alert(1))"])
@example(["![x](https://tracker.example/1.gif)"])
def test_nothing_in_it_runs_or_loads(pieces: list[str]) -> None:
    made = render_markdown("".join(pieces), {"A1": "source-A1", "1": "source-A1"})
    assert list(unsafe_parts(f"<div>{made}</div>")) == []


@pytest.mark.parametrize(
    ("text", "address", "words"),
    [
        ("It is 42 [A1].", "#source-A1", "A1"),
        ("It is 42 [[3]](https://e.example/x).", "#source-B2", "3"),
        ("It is 42 [[3]](notes.md#L3-L5).", "#source-B2", "3"),
        ("It printed 7 [3].", "#source-B2", "3"),
        ("See [there](https://e.example).", "https://e.example", "there"),
        ("<https://e.example>", "https://e.example", "https://e.example"),
        ("![a chart](https://e.example/c.png)", "https://e.example/c.png", "[image: a chart]"),
    ],
)
def test_a_citation_leads_to_its_source_and_a_link_to_its_page(
    text: str, address: str, words: str
) -> None:
    made = render_markdown(text, {"A1": "source-A1", "3": "source-B2"})
    (link,) = html.fromstring(f"<div>{made}</div>").iter("a")
    assert (link.get("href"), link.text_content()) == (address, words)


@pytest.mark.parametrize(
    "text",
    ["[a](javascript:x)", "[a](notes.md)", "[A9]", "`[A1]`", "[[9]](https://e.example) in `code`"],
)
def test_what_leads_nowhere_stays_as_words(text: str) -> None:
    made = render_markdown(text, {"A1": "source-A1"})
    links = html.fromstring(f"<div>{made}</div>").iter("a")
    assert [one.get("href") for one in links] == (["https://e.example"] if "9]]" in text else [])


def test_a_table_a_heading_and_code_are_what_they_were() -> None:
    made = render_markdown("# Big\n\n| a |\n|---|\n| <b> |\n\n```py\nx = '<i>'\n```")
    assert "<h3>Big</h3>" in made
    assert "<td>&lt;b&gt;</td>" in made
    assert "x = '&lt;i&gt;'" in made
