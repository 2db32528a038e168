import pytest

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


def test_an_unknown_id_is_marked_and_listed() -> None:
    checked = checked_answer("So it is [C7].", _sources())
    assert checked.text == "So it is [C7 (unverified)]."
    assert [(one.kind, one.text) for one in checked.unverified] == [("unknown_source", "C7")]


def test_an_address_that_was_not_retrieved_is_marked_and_listed() -> None:
    draft = (
        "See https://example.org/a and https://example.net/x. Or [this](https://evil.example/y)."
    )
    checked = checked_answer(draft, _sources())
    assert checked.text == (
        "See https://example.org/a and https://example.net/x (unverified). "
        "Or [this](https://evil.example/y) (unverified)."
    )
    assert [one.kind for one in checked.unverified] == ["unretrieved_url"] * 2


def test_code_is_left_alone() -> None:
    draft = "Use `x[A1]` and\n```\nlist[A1] https://example.net\n```\n"
    checked = checked_answer(draft, _sources())
    assert checked.text == draft.strip()
    assert checked.unverified == []


def test_brackets_that_are_no_citations_are_left_alone() -> None:
    draft = "An array [1], a link [A1](https://example.org/a), a note [Z9], a range [A-Z]."
    assert checked_answer(draft, _sources()).text == draft
    assert cited_ids(draft) == []


def test_links_cannot_break_out_of_their_markdown() -> None:
    assert link_of("https://example.org/a b)(c") == "https://example.org/a%20b%29%28c"
