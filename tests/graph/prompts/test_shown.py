"""One prompt holds no sentence of the sources twice, and every one of them once."""

import re

from hypothesis import given
from hypothesis import strategies as some

from langgraph_fusion.graph.prompts.shown import ShownPassages
from langgraph_fusion.tools.closeness import PARTED, sentences_of
from langgraph_fusion.tools.sources import Sources

SENTENCES = [
    *(f"Clause {n} speaks of the committee and of its many duties." for n in range(8)),
    "It ends.",
    "See 3.",
]
PASSAGES = some.lists(
    some.lists(some.sampled_from(SENTENCES), min_size=1, max_size=4).map(" ".join), min_size=1
).map(PARTED.join)


@given(some.lists(PASSAGES, max_size=6))
def test_every_passage_stands_whole_in_the_prompt_or_is_named_where_it_does(
    passages: list[str],
) -> None:
    shown, sources, told = ShownPassages(), Sources(), ""
    for number, text in enumerate(passages):
        source = sources.add("AB"[number % 2], "page", f"https://e.org/{number}", "T", text)
        block = shown.block(source, text)
        above = set(re.findall(r'<source id="(\w+)"', told))
        named = re.findall(
            r"\((?:the same|and) passages (?:as|that stand above as) ([^)]*)\)", block
        )
        assert {id for ids in named for id in ids.split(", ")} <= above
        told += f"\n{block}"
        plain = " ".join(told.split())
        assert all(one in plain for one in sentences_of(text.replace(PARTED, "\n")))
    if passages:
        again = shown.block(source, text)
        assert "passages above" in again or "the same passages" in again


def test_a_source_that_repeats_one_has_no_second_title_and_address() -> None:
    sources, shown = Sources(), ShownPassages()
    fact, other = SENTENCES[0], SENTENCES[1]
    first = sources.add("A", "page", "https://e.org/", "Title", f"{fact} {other}")
    second = sources.add("B", "page", "https://e.org/", "Title", f"{fact} {other}")
    assert 'title="Title" url="https://e.org/"' in shown.block(first, fact)
    block = shown.block(second, f"{fact} {other}")
    assert block.startswith('<source id="B1" same_as="A1">')
    assert fact not in block
    assert other in block
    assert "(and passages that stand above as A1)" in block


def test_a_document_is_named_once_and_each_of_its_sections_once() -> None:
    sources, shown = Sources(), ShownPassages()
    titles = ["Book > Herons", "Book > Herons", "Book > Pike", "Other"]
    paths = ["book.md#L1-L2", "book.md#L5-L6", "book.md#L8-L9", "other.md"]
    heads = [
        shown.block(sources.add("A", "document", f"docs:{path}", title, text), text).split("\n")[0]
        for path, title, text in zip(paths, titles, SENTENCES, strict=False)
    ]
    assert heads == [
        '<source id="A1" title="Book &gt; Herons" url="docs:book.md">',
        '<source id="A2" url="docs:book.md">',
        '<source id="A3" title="Pike" url="docs:book.md">',
        '<source id="A4" title="Other" url="docs:other.md">',
    ]
