import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from langgraph_fusion.graph.citations import cited_ids
from langgraph_fusion.graph.writing.check import checked_answer, link_of
from langgraph_fusion.tools.sources import Sources


def _sources() -> Sources:
    sources = Sources()
    sources.add(
        "A", "page", "https://example.org/a", "Title [of] A", "Text of a page, long enough."
    )
    sources.add("A", "document", "docs:guide/set up.md#L3-L9", "Guide", "Other text.")
    sources.add(
        "B", "page", "https://example.org/a#top", "The same", "Text of a page, long enough."
    )
    return sources


def test_citations_become_numbered_links_in_order_of_appearance() -> None:
    checked = checked_answer("First [A2]. Then [A1, A2].", _sources())
    guide = "[[1]](guide/set%20up.md#L3-L9)"
    assert checked.text.startswith(f"First {guide}. Then [[2]](https://example.org/a){guide}.")
    assert "1. [Guide](guide/set%20up.md#L3-L9)" in checked.text
    assert "2. [Title \\[of\\] A](https://example.org/a)" in checked.text
    assert checked.unverified == []


@pytest.mark.parametrize("cited", ["[A1][B1]", "[A1] [B1]", "[A1, B1]", "[B1][A1][B1]"])
def test_one_source_found_by_two_members_is_one_link(cited: str) -> None:
    checked = checked_answer(f"So it is {cited}.", _sources())
    assert checked.text.startswith("So it is [[1]](https://example.org/a).\n\n## Sources")


def test_an_unknown_id_is_taken_out_and_named_at_the_end() -> None:
    checked = checked_answer("First. So it *is* 4 % [C7].", _sources())
    assert checked.text == (
        "First. So it *is* 4 %.\n\n## Not verified\n\n"
        "- \u201cSo it \\*is\\* 4 %\u201d cites a source that this run does not have."
    )
    (one,) = checked.unverified
    assert (one.kind, one.text, one.claim) == ("unknown_source", "C7", "So it *is* 4 %")


def test_an_address_that_was_not_retrieved_stays_and_is_named_at_the_end() -> None:
    draft = (
        "See https://example.org/a and https://example.net/x. Or [this](https://evil.example/y)."
    )
    checked = checked_answer(draft, _sources())
    assert checked.text == (
        f"{draft}\n\n## Not verified\n\n"
        "- `https://example.net/x` was not retrieved in this run.\n"
        "- `https://evil.example/y` was not retrieved in this run."
    )
    assert [one.kind for one in checked.unverified] == ["unretrieved_url"] * 2


def test_code_is_left_alone() -> None:
    draft = "Use `x[A1]` and\n```\nlist[A1] https://example.net\n```\n"
    checked = checked_answer(draft, _sources())
    assert checked.text == draft.strip()
    assert checked.unverified == []


def test_brackets_that_are_no_citations_are_left_alone() -> None:
    draft = "An array [1], a link [A](https://example.org/a), a note [Z9], a range [A-Z]."
    assert checked_answer(draft, _sources()).text == draft
    assert cited_ids(draft) == []


def test_links_cannot_break_out_of_their_markdown() -> None:
    assert link_of("https://example.org/a b)(c") == "https://example.org/a%20b%29%28c"


@pytest.mark.parametrize(
    ("draft", "text"),
    [
        (
            "``foo`` is fast [A1]. It uses ``bar`` [A1].",
            "``foo`` is fast {1}. It uses ``bar`` {1}.",
        ),
        (
            "A stray ` tick [A1].\n\nAnd ` another [A1].",
            "A stray ` tick {1}.\n\nAnd ` another {1}.",
        ),
        ("```not a fence``` [A1]", "```not a fence``` {1}"),
        ("`a` [A1] ``b ` c`` [C9] `d", "`a` {1} ``b ` c`` `d"),
        ("|a|b|\n|-|-|\n|`x|[A1]`|", "|a|b|\n|-|-|\n|`x|{1}`|"),
        ("- item\n\n      list[A1]\n\n[A1]", "- item\n\n      list[A1]\n\n{1}"),
        (r"Escaped \[A1\] and \`x\` [A1]", r"Escaped {1} and \`x\` {1}"),
        ("[A1](https://example.org/a) and [A1](#x).", "{1} and {1}."),
        ("[ A1 ]. [A1; B1]. [Source A1]. [A1 and B1]. \u3010A1\u3011", "{1}. {1}. {1}. {1}. {1}"),
        ("[C1\u2013C3]", "\u2026"),
        ("So it is ([C9]), or (so [C9]).", "So it is, or (so)."),
        ("So ([A1][C9]) it is [C9][A1].", "So ({1}) it is {1}."),
        ("- [C9]\n- 4 [C9]", "- \u2026\n- 4 \u2026"),
        ("| a | b |\n|---|---|\n| x [C9] | [C9] |", "| a | b |\n|---|---|\n| x | |"),
        ("[C9]    is no code", "\u2026    is no code"),
        ("``[C9]`", "`` `"),
        ("`` [C9]` and", "`` ` and"),
        ("`a`[C9]`b`", "`a` `b`"),
        ("Struck ~[C9]~~ out ~~~", "Struck ~ ~~ out ~~~"),
        ("**a**[C9]**b**", "**a** **b**"),
        ("_a_[C9]_b_, *so [C9]*, _so [C9]_.", "_a_ _b_, *so*, _so_."),
        ("It is so ![C9][a](https://example.org/a)", "It is so ! [a](https://example.org/a)"),
        ("So <[C9]!-- is no comment", "So < !-- is no comment"),
        ("So https:/[C9]/evil.example is no address", "So https:/ /evil.example is no address"),
        ("www[C9].evil.example", "www .evil.example"),
        (
            "So &[C9]#39; and x[C9].5 [C9], \u201cso [C9]\u201d.",
            "So & #39; and x .5, \u201cso\u201d.",
        ),
        ("So it is [C9]! Or [C9]; so.", "So it is! Or; so."),
        ("So\u3060[C9]\u3002", "So\u3060\u3002"),
        ("See www.example.org/a.", "See www.example.org/a."),
        ("See [it](www.example.org/a).", "See [it](https://www.example.org/a)."),
        ("See [it](www.evil.example/x).", "See [it](www.evil.example/x)."),
        (
            "**www.evil.example**, WWW.evil.example/x?y=1.",
            "**www.evil.example**, WWW.evil.example/x?y=1.",
        ),
        ("(www.evil.example:80/a)", "(www.evil.example:80/a)"),
        *(
            (same, same)
            for same in (
                "`www.evil.example/x` and `a`",
                "README.md/, node.js/x, example.net/x, www.md",
                "me@www.evil.example",
                "www.me@evil.example",
                "sites/www.evil.example/",
                "wwww.a.com",
            )
        ),
        ("`x` HTTPS://evil.example/ `y`", "`x` HTTPS://evil.example/ `y`"),
    ],
)
def test_what_stands_between_code_is_checked(draft: str, text: str) -> None:
    wanted = text.replace("{1}", "[[1]](https://example.org/a)")
    assert _body(checked_answer(draft, _sources()).text) == wanted


PIECES = ["`", "``", "```", "~~~", "\n", "\n\n", " ", "    ", "\t", "word ", "[A1]", "[A2, B1]",
          "[C9]",
          "[A1](#x)", "[D1-D3]", "https://evil.example/x", "www.evil.example/x", "> ",
          "- ", "1. ", "|", "|-|-|\n", "# ",
          "**", "*", "_", "~", "!", ".", "www",
          "é", "```py\n", "\n```\n", "(", ")", "[", "]"]  # fmt: skip
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
_RAW_ID = re.compile(r"\[[A-H]\d{1,4}[\],]")


@settings(max_examples=400, deadline=None)
@given(MARKDOWN)
def test_every_id_outside_of_code_is_resolved_or_marked_and_code_stays(draft: str) -> None:
    checked = checked_answer(draft, _sources())
    *code, (_, prose) = _read(draft.strip())
    *code_after, (_, prose_after) = _read(_body(checked.text))
    assert code_after == code
    assert not _RAW_ID.search(prose_after)
    marked = {one.kind for one in checked.unverified}
    if "https://evil.example" in prose:
        assert "unretrieved_url" in marked


def _body(text: str) -> str:
    return re.split(r"(?:\A|\n\n)## (?:Not verified|Sources)\n\n", text)[0]


@settings(max_examples=400, deadline=None)
@given(MARKDOWN)
def test_no_mark_of_doubt_stands_in_the_text(draft: str) -> None:
    checked = checked_answer(draft, _sources())
    body = _body(checked.text)
    assert "verified" not in body
    letters = re.compile(r"[a-z]{4,}")
    shown = re.sub(r"\[\[\d+\]\]\([^)]*\)", " ", body)
    cut = re.sub(r"\[[A-D]\d[^]]*\](?:\(#x\))?", " ", draft)
    assert letters.findall(shown) == letters.findall(cut), "and no word is lost"
    assert ("## Not verified" in checked.text) == bool(checked.unverified)


def _read(markdown: str) -> list[tuple[str, str]]:
    """The code of a text, and with an empty code all its prose, as a whole parser reads it."""
    found, prose = list[tuple[str, str]](), list[str]()
    parser = MarkdownIt("commonmark").enable("table").disable(["html_block", "html_inline", "link"])
    for token in parser.parse(markdown):
        if token.type in ("fence", "code_block"):
            found.append((token.content, ""))
        for child in token.children or []:
            if child.type == "code_inline":
                found.append((child.content, ""))
            prose.append("\0" if child.type == "code_inline" else child.content)
    return [*found, ("", "".join(prose))]
