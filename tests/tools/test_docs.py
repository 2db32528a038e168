"""docs_search and docs_read as a member sees them."""

import re
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.tools.context import ToolContext
from langgraph_fusion.tools.references import only_true
from tests.tools.test_tools import call, shared_tools_of

GUIDE = "# Guide\n\nWelcome.\n\n" + "\n".join(
    f"## Part {n}\n\n{f'Sentence {n} of the guide is new. ' * 40}\n\n### Detail {n}\n\nMore.\n"
    for n in range(60)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "guide.md").write_text(GUIDE)
    (folder / "line.txt").write_text("One very long line of words. " * 2000)
    for n in range(70):
        (folder / "sub" / f"{n:02}.md").write_text(f"# Note {n}\n\nHerons, note {n}.\n")
    return folder


@pytest.fixture
def lines() -> list[str]:
    return GUIDE.strip().split("\n")


def opened(monkeypatch: pytest.MonkeyPatch, folder: Path, page_chars: int = 3000) -> Any:
    return shared_tools_of({}, monkeypatch, docs=folder, fetch={"page_chars": page_chars})


async def test_every_part_has_an_id_its_lines_and_its_section(
    folder: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(monkeypatch, folder) as (shared, _):
        context = ToolContext("A", shared)
        read, start = list[str](), 1
        while start:
            part = await call(context, "docs_read", id_or_path="guide.md", start=start)
            on = re.search(r"read on with start=(\d+)", part.text)
            start = int(on[1]) if on else 0
            read.append(part.text)
        sources = shared.sources.all()
    assert [source.id for source in sources] == [f"A{n}" for n in range(1, len(read) + 1)]
    assert "\n".join(source.text for source in sources) == "\n".join(lines)
    for source in sources:
        first, last = map(int, re.findall(r"L(\d+)", source.url))
        assert source.text == "\n".join(lines[first - 1 : last])
        assert len(source.text) <= 3000
    assert "this is the end" in read[-1]
    assert re.fullmatch(r"Guide > Part \d+( > Detail \d+)?", sources[5].title)


async def test_a_long_document_begins_with_its_outline(
    folder: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(monkeypatch, folder) as (shared, _):
        context = ToolContext("A", shared)
        top = await call(context, "docs_read", id_or_path="guide.md")
        later = await call(context, "docs_read", id_or_path="guide.md", start=50)
    outline = top.text.partition("Sections:\n")[2].split("\n")
    at = {number: line for number, line in enumerate(lines, 1) if line.startswith("## ")}
    first = [f"  {line[3:]} (line {number})" for number, line in list(at.items())[:39]]
    assert outline == ["Guide (line 1)", *first, "and 21 more"]
    assert "Sections:" not in later.text


async def test_a_section_is_read_whole_and_alone(
    folder: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(monkeypatch, folder) as (shared, _):
        context = ToolContext("A", shared)
        for asked in ("Part 7", "part 7", "## Part 7", "Guide > Part 7", " PART  7 "):
            found = await call(context, "docs_read", id_or_path="guide.md", section=asked)
            body = found.text.partition(">\n")[2].partition("\n</source>")[0]
            assert body.split("\n")[0] == "## Part 7"
            assert "### Detail 7" in body
            assert "Part 8" not in body
        missing = await call(context, "docs_read", id_or_path="guide.md", section="Part 99")
    assert missing.status == "error"
    assert missing.text.startswith("There is no such section.\nSections:")


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [(1, 3, (1, 3)), (5, 5, (5, 5)), (3, 10_000, None), (0, 3, (1, 3))],
)
async def test_lines_are_read_as_asked(
    start: int, end: int, shown: tuple[int, int] | None, folder: Path, lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async with opened(monkeypatch, folder) as (shared, _):
        context = ToolContext("A", shared)
        found = await call(context, "docs_read", id_or_path="guide.md", start=start, end=end)
        source = shared.sources.get("A1")
    assert source is not None
    if shown:
        assert source.text == "\n".join(lines[shown[0] - 1 : shown[1]])
    assert found.status == "success"


@pytest.mark.parametrize(("start", "end"), [(100_000, 0), (-1, 0), (5, 3)])
async def test_lines_that_are_not_there_are_explained(
    start: int, end: int, folder: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(monkeypatch, folder) as (shared, _):
        context = ToolContext("A", shared)
        found = await call(context, "docs_read", id_or_path="guide.md", start=start, end=end)
    assert (found.status, found.text) == ("error", f"There are lines 1 to {len(lines)} here.")


async def test_a_line_that_is_too_long_ends_with_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(monkeypatch, folder) as (shared, _):
        found = await call(ToolContext("A", shared), "docs_read", id_or_path="line.txt")
        source = shared.sources.get("A1")
    assert source is not None
    assert source.text.endswith("line of words.")
    assert 2000 < len(source.text) <= 3000
    assert "longer than can be shown" in found.text


async def test_a_passage_that_was_shown_is_named_and_not_repeated(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(monkeypatch, folder) as (shared, _):
        first = await call(ToolContext("A", shared), "docs_search", query='"note 7"')
        later = ToolContext("A", shared)
        again = await call(later, "docs_search", query="herons note 7")
        once_more = await call(later, "docs_search", query="note 7 herons")
        other = await call(ToolContext("B", shared), "docs_search", query='"note 7"')
    assert "Herons, note 7." in first.text
    assert "Herons, note 7." in again.text, "another conversation has it not"
    assert once_more.text == "[found as well, and you have: A1, A2, A3, A4, A5, A6, A7, A8]"
    assert "Herons, note 7." not in once_more.text
    assert "Herons, note 7." in other.text


async def test_documents_are_listed_in_pages_and_by_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(monkeypatch, folder) as (shared, _):
        context = ToolContext("A", shared)
        first = await call(context, "docs_search", query="")
        second = await call(context, "docs_search", query="", page=2)
        beyond = await call(context, "docs_search", query="", page=99)
        some = await call(context, "docs_search", query="path:sub/0")
        one = await call(context, "docs_search", query="path:guide")
    assert first.text.startswith("There are 72 documents:\n")
    assert first.text.endswith("[page 1 of 2: use page=2]")
    assert len(first.text.split("\n")) + len(second.text.split("\n")) == 72 + 3
    assert beyond.text == second.text
    assert some.text.startswith("There are 10 documents with sub/0 in the path:\ndocs:sub/00.md")
    assert one.text == ("There is 1 document with guide in the path:\ndocs:guide.md  Guide")


async def test_found_passages_begin_and_end_with_whole_sentences(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped = "\n".join(
        f"Herons nest in alders near the lake and fish in its shallows {n}.\nThey"
        for n in range(80)
    )
    (folder / "wrapped.txt").write_text(wrapped)
    async with opened(monkeypatch, folder) as (shared, _):
        query = "path:wrapped herons nest alders"
        await call(ToolContext("A", shared), "docs_search", query=query, max_results=20)
        texts = [source.text for source in shared.sources.all()]
    assert len(texts) > 3
    assert sum(text.rstrip().endswith((".", "They")) for text in texts) == len(texts)
    assert sum(text.rstrip().endswith(".") for text in texts) >= len(texts) - 1


async def test_what_stands_in_the_conversation_is_named_and_not_sent_again(
    folder: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(monkeypatch, folder, page_chars=9000) as (shared, _):
        context = ToolContext("A", shared)
        first = await call(context, "docs_read", id_or_path="guide.md", start=1, end=12)
        more = await call(context, "docs_read", id_or_path="guide.md", start=5, end=30)
        found = await call(context, "docs_search", query='"Sentence 1 of the guide"')
        fresh = await call(ToolContext("A", shared), "docs_read", id_or_path="guide.md", end=12)
        second = shared.sources.get("A2")
    assert "Sentence 0 of the guide" in first.text
    assert "[you have lines 5-12 as A1]" in more.text
    assert "Sentence 0 of the guide" not in more.text
    assert "Sentence 1 of the guide" in more.text
    assert second is not None
    assert second.text == "\n".join(lines[4:30]), "what is cited by its id is whole"
    assert found.text == "[found as well, and you have: A3 (in A2)]"
    assert "Sentence 0 of the guide" in fresh.text, "another conversation has it not"


async def test_two_parts_of_one_long_line_are_both_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"word{n} of the only line here." for n in range(600)]
    (folder / "line.txt").write_text(" ".join(words))
    async with opened(monkeypatch, folder) as (shared, _):
        context = ToolContext("A", shared)
        first = await call(context, "docs_search", query='"word3 of"', max_results=1)
        last = await call(context, "docs_search", query='"word590 of"', max_results=1)
    assert "word3 of the only line" in first.text
    assert "word590 of the only line" in last.text


async def test_the_places_that_speak_of_what_is_asked_are_named_beyond_the_end_of_a_part(
    folder: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "guide.md").write_text(GUIDE.replace("Sentence 41 of", "Kingfishers of part 41, of"))
    async with opened(monkeypatch, folder) as (shared, _):
        context = ToolContext("A", shared, topic="Where do kingfishers nest?")
        read = await call(context, "docs_read", id_or_path="guide.md")
        silent = await call(ToolContext("A", shared), "docs_read", id_or_path="guide.md")
        lined = await call(context, "docs_read", id_or_path="guide.md", start=5, end=9)
    at = re.search(r"closest to what you are asked in the rest: lines ([\d, ]+)", read.text)
    assert at is not None
    heading = lines.index("## Part 41") + 1
    assert {heading, heading + 2} & {int(one) for one in at[1].split(", ")}
    assert "closest to what" not in silent.text
    assert "closest to what" not in lined.text


async def test_of_a_long_part_the_beginning_and_what_is_asked_for_are_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = GUIDE.replace("Sentence 9 of", "Kingfishers nest in sand, says")
    (folder / "guide.md").write_text(asked)
    lines = asked.strip().split("\n")
    async with opened(monkeypatch, folder, page_chars=30_000) as (shared, _):
        context = ToolContext("A", shared, topic="Where do kingfishers nest?")
        read = await call(context, "docs_read", id_or_path="guide.md")
        gap = re.search(r"\[lines (\d+)-(\d+) left out\]", read.text)
        assert gap is not None
        first, last = int(gap[1]), int(gap[2])
        rest = await call(context, "docs_read", id_or_path="guide.md", start=first, end=last)
        source = shared.sources.get("A1")
    assert "Kingfishers nest in sand" in read.text
    assert read.text.index("Welcome.") < read.text.index("Kingfishers")
    assert "start= and end= show it" in read.text
    assert len(read.text) < 10_000
    assert "\n".join(lines[first - 1 : last]).strip() in rest.text
    assert source is not None
    assert lines[first] not in source.text.split("\n"), "a source holds what was seen"


async def test_passages_of_one_document_stand_together_and_say_what_they_are_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(monkeypatch, folder) as (shared, _):
        found = await call(ToolContext("A", shared), "docs_search", query="path:guide sentence new")
        heads = re.findall(r'<source id="A\d+"([^>]*)>', found.text)
        sources = shared.sources.all()
    assert heads[0].startswith(' title="Guide')
    assert 'url="docs:guide.md#L' in heads[0]
    assert len(heads) > 1
    assert all(re.fullmatch(r'( title="Part \d+")? url="#L\d+"', one) for one in heads[1:])
    assert all(one.url.startswith("docs:guide.md#L") and "Part" in one.title for one in sources)


async def test_a_narrow_question_is_shown_the_lines_closest_to_it_and_the_rest_by_id(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"Line {n} of the register speaks of the herons." for n in range(22)]
    lines[15] = "The kingfisher of the register nests in sand."
    (folder / "register.txt").write_text("\n".join(lines))
    async with opened(monkeypatch, folder) as (shared, _):
        topic = "Where does the kingfisher nest?"
        context = ToolContext("A", shared, topic=topic, narrow=True)
        found = await call(context, "docs_search", query="path:register herons register")
        again = await call(context, "docs_search", query="path:register kingfisher")
        source = shared.sources.get("A1")
        whole = await call(context, "docs_read", id_or_path="A1")
        wide = await call(ToolContext("B", shared), "docs_search", query="path:register herons")
    assert lines[15] in found.text
    assert "\n…\n" in found.text
    assert len(found.text) < 700
    assert "you have: A1" in again.text
    assert source is not None
    assert "[…]" in source.text, "a source holds what was seen"
    assert all(line in whole.text for line in lines)
    assert "\n".join(lines) in wide.text


async def test_a_conversation_says_once_in_full_what_a_document_and_its_sections_are_called(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "Kingfishers and where they nest"
    body = "\n\n".join(f"Chapter{n} of the birds. {'They nest in sand. ' * 30}" for n in range(9))
    (folder / "birds.md").write_text(f"# The Book of Birds\n\n## {name}\n\n{body}")
    async with opened(monkeypatch, folder) as (shared, _):
        context = ToolContext("A", shared)
        found = [await call(context, "docs_search", query="chapter3", max_results=1)]
        first = context.shown.by_call(found[0].tool_call_id)
        found += [
            await call(context, "docs_search", query=f"chapter{n}", max_results=1) for n in (5, 7)
        ]
        resumed = ToolContext("A", shared)
        resumed.shown.restore(first)
        again = await call(resumed, "docs_search", query="chapter5", max_results=1)
        titles = [one.title for one in shared.sources.all()]
    heads = [one.text.split("\n")[0] for one in found]
    assert f'title="The Book of Birds &gt; {name}"' in heads[0]
    assert [" title=" in head and name[:15] in head for head in heads[1:]] == [True, True]
    assert not any("Book of Birds" in head or name in head for head in heads[1:])
    assert again.text.split("\n")[0] == heads[1]
    assert all(name in title for title in titles)


async def test_what_another_document_says_word_for_word_is_named_and_not_shown_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = "[New] The heron is counted in March.\n  It nests in alders by the lake.\n" * 2
    (folder / "one.txt").write_text(f"Notes of herons one.\n\n{same}\nOnly one.")
    (folder / "two.txt").write_text(f"Notes of herons two.\n\n\n   {same}\nOnly two.")
    async with opened(monkeypatch, folder) as (shared, _):
        context = ToolContext("A", shared)
        first = await call(context, "docs_read", id_or_path="one.txt")
        second = await call(context, "docs_read", id_or_path="two.txt")
        whole = await call(context, "docs_read", id_or_path="A2")
        resumed = ToolContext("A", shared)
        resumed.shown.restore((), first.text)
        again = await call(resumed, "docs_read", id_or_path="two.txt")
        resumed.shown.forget()
        forgot = await call(resumed, "docs_read", id_or_path="two.txt")
        source = shared.sources.get("A2")
    assert first.text.count("nests in alders") == 2
    assert "nests in alders" not in second.text
    assert "as A1: (New) The heron is counted in…]" in second.text
    assert "Only two." in second.text
    assert again.text == second.text
    assert whole.text.count("nests in alders") == forgot.text.count("nests in alders") == 2
    assert source is not None
    assert source.text.count("nests in alders") == 2, "a source holds what was seen"
    assert only_true(second.text, {"A1"}) == second.text
    assert "were shown as A1, no longer here" in only_true(second.text, {"A2"})
