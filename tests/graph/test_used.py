"""What a result says about the sources, documents and tools that a run used."""

from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.graph.result import FailedTool
from tests.graph.cast import A, B, C, Part, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Seen, text, tool_calls


def calling(*calls: tuple[str, dict[str, Any]], says: str = "It is 42.") -> Part:
    """A member that makes these calls one after the other and then answers."""

    def part(seen: Seen) -> Reply:
        made = len(seen.tool_results)
        return tool_calls([calls[made]]) if made < len(calls) else text(says)

    return part


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "birds.md").write_text("# Birds\n\nThe heron colony had 214 nests in 2023.\n")
    (folder / "blank.md").write_text("\n")
    return folder


SEARCH = ("docs_search", {"query": "heron colony"})


async def test_sources_documents_and_skipped_files_are_counted(fuse: Fuse, folder: Path) -> None:
    parts = {A: calling(SEARCH, says="214 [A1]"), B: calling(SEARCH, says="214 [B1]")}
    chosen = settings(tools=None, docs=str(folder))
    chosen = chosen.changed(tools=["docs"])
    result = (await fuse(cast(parts, answer="There were 214 [A1][B1]."), chosen)).result
    assert (result.used.sources_shown, result.used.sources_cited) == (1, 1)
    documents = result.used.documents
    assert documents is not None
    assert (documents.indexed, documents.complete, documents.skipped_count) == (1, True, 1)
    assert [one.path for one in documents.skipped] == ["blank.md"]
    assert result.warnings == ()
    assert result.degraded == ()


async def test_documents_that_nobody_looked_into_are_a_warning(fuse: Fuse, folder: Path) -> None:
    result = (await fuse(cast(), settings(tools=["docs"], docs=str(folder)))).result
    assert result.used.documents is not None
    assert result.used.documents.indexed is None
    assert result.warnings == (
        "No member looked into the documents.",
        "The answer cites no source (none was found): it rests on what the models remember.",
    )


@pytest.mark.parametrize("content", ["", "\n", "\x00\x01", "---\ntitle: x\n---\n"])
async def test_a_folder_of_which_nothing_can_be_read_is_a_warning(
    fuse: Fuse, folder: Path, content: str
) -> None:
    (folder / "birds.md").write_text(content)
    part = calling(SEARCH, ("docs_read", {"id_or_path": "birds.md"}))
    chosen = settings(tools=["docs"], docs=str(folder))
    result = (await fuse(cast({A: part}), chosen)).result
    assert result.used.documents is not None
    assert (result.used.documents.indexed, result.used.documents.skipped_count) == (0, 2)
    assert result.warnings[0].startswith("No document of the folder could be read (birds.md: ")


async def test_an_answer_without_citations_is_a_warning_only_where_there_were_tools(
    fuse: Fuse, folder: Path
) -> None:
    parts = {A: calling(SEARCH, says="214 [A1]")}
    chosen = settings(tools=["docs"], docs=str(folder))
    result = (await fuse(cast(parts, answer="There were 214."), chosen)).result
    assert result.warnings == (
        "The answer cites no source (1 was shown): it rests on what the models remember.",
    )
    assert (await fuse(cast(answer="There were 214."), settings())).result.warnings == ()
    shaped = settings(tools=["docs"], docs=str(folder), response_format={"type": "json_object"})
    result = (await fuse(cast(parts, answer='{"nests": 214}'), shaped)).result
    assert result.warnings == ()


async def test_a_tool_that_fails_every_time_for_a_member_is_named(fuse: Fuse, folder: Path) -> None:
    read = ("docs_read", {"id_or_path": "nothing.md"})
    parts = {
        A: calling(read, ("docs_read", {"id_or_path": "no.md"})),
        B: calling(read, ("docs_read", {"id_or_path": "birds.md"}), says="214 [B1]"),
        C: calling(("docs_search", {"querry": "x"})),
    }
    chosen = settings(tools=["docs"], docs=str(folder))
    result = (await fuse(cast(parts, answer="214 [B1]"), chosen)).result
    error = "not_found: No such document. docs_search with an empty query lists them."
    assert result.used.failed_tools == (
        FailedTool(seat="A", tool="docs_read", calls=2, error=error),
    )
    assert result.degraded == ("tool_failed",)
    assert result.notes == (f"Seat A: all 2 calls of docs_read failed: {error}",)
    by_seat = {one.seat: one.tools for one in result.answers}
    assert [(use.tool, use.calls, use.failed) for use in by_seat["B"]] == [("docs_read", 2, 1)]
    assert by_seat["C"] == ()
