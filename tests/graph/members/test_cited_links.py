import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.graph.members.cited_links import cite_links
from langgraph_fusion.tools.sources import Sources
from tests.graph.cast import JUDGE, WRITER, A, cast, settings
from tests.graph.conftest import Fuse
from tests.graph.members.test_tools_of_a_run import OPEN, site
from tests.scripted import Reply, Seen, text, tool_calls

__all__ = ["site"]


def _sources() -> Sources:
    sources = Sources()
    sources.add("A", "page", "https://example.org/Foo_(bar)", "Foo", "Text of Foo.")
    sources.add(
        "A", "search", "https://example.org/b?id=7", "B", "Text of B.", asked="https://x.org/b"
    )
    sources.add("B", "page", "https://example.org/c", "C", "Text of C.")
    return sources


FOO, PAGE_B = "https://example.org/Foo_(bar)", "https://example.org/b?id=7"


@pytest.mark.parametrize(
    ("said", "cited"),
    [
        (f"It rose ({FOO}).", "It rose ([A1])."),
        (f"It rose, {FOO}, twice.", "It rose, [A1], twice."),
        (f"See [the register]({FOO}) for it.", "See the register [A1] for it."),
        (f'See [the register]({FOO} "Title").', "See the register [A1]."),
        (f"It rose [1]({FOO}).", "It rose [A1]."),
        (f"It rose [{FOO}]({FOO}).", "It rose [A1]."),
        (f"It rose <{PAGE_B}>.", "It rose [A2]."),
        ("It rose: http://www.example.org/b/?utm_source=x&id=7#top.", "It rose: [A2]."),
        ("It rose, www.example.org/b?id=7.", "It rose, [A2]."),
        ("It moved to https://x.org/b/.", "It moved to [A2]."),
        (f"See [the register]({FOO}) [A1].", "See the register [A1]."),
        (f"Known as [A1]({FOO}).", f"Known as [A1]({FOO})."),
        (f"**{PAGE_B}**", "**[A2]**"),
        *(
            (same, same)
            for same in (
                "Another page: https://example.org/b?id=8.",
                "Of another member: https://example.org/c and [c](https://example.org/c).",
                "Not a page of the web: docs:guide.md#L1.",
                f"`curl {FOO}` and\n```\n{FOO}\n```\n",
                f"![picture]({FOO})",
            )
        ),
    ],
)
def test_a_link_to_what_its_author_was_shown_becomes_an_id(said: str, cited: str) -> None:
    assert cite_links(said, "A", _sources()) == cited


@given(st.lists(st.sampled_from([
    FOO, PAGE_B, "[x](", "](", ")", "(", "<", ">", "[A1]", "[", "]", "word ", ".", "`", "\n", "!",
    "https://other.org/y", "www.example.org/b?id=7", '"', " ",
]), max_size=25).map("".join))  # fmt: skip
def test_what_was_cited_stays_cited_and_to_do_it_twice_changes_nothing(said: str) -> None:
    once = cite_links(said, "A", _sources())
    assert cite_links(once, "A", _sources()) == once
    assert once.count("other.org") == said.count("other.org")
    assert once.count("word") == said.count("word")


async def test_judge_and_writer_see_the_id_and_the_evidence(fuse: Fuse, site: str) -> None:
    def member(seen: Seen) -> Reply:
        if seen.tool_results:
            return text(f"Heat is made, see {site}/page/#top. Also https://nowhere.example/x.")
        return tool_calls([("web_fetch", {"url": f"{site}/page"})])

    fused = await fuse(cast({A: member}, answer="Heat [A1]."), settings(panel=[A], **OPEN))
    for model in (JUDGE, WRITER):
        told = fused.server.seen_by(model)[0].last
        assert "Heat is made, see [A1]. Also https://nowhere.example/x." in told
        assert "Heat is made. Heat is made." in told, "with what the page says"
    assert fused.result.answers[0].cited == ("A1",)
    assert fused.result.retention.citations == 1.0
