from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.cli.display.document_paths import with_document_paths

RESULT: dict[str, Any] = {
    "answer": "It is long [[1]](a%20b.md#L1-L2). See [[2]](https://x.example/a%20b.md).\n",
    "sources": [
        {"id": "A1", "url": "docs:a%20b.md#L1-L2"},
        {"id": "A2", "url": "https://x.example/a%20b.md"},
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "my notes"
    made.mkdir()
    return made


def test_links_to_documents_lead_there_from_above_the_folder(folder: Path) -> None:
    shown = with_document_paths(RESULT, str(folder), folder.parent)
    assert "[[1]](my%20notes/a%20b.md#L1-L2)" in shown["answer"]
    assert shown["sources"][0]["url"] == "my notes/a%20b.md#L1-L2"


def test_from_elsewhere_they_are_absolute(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shown = with_document_paths(RESULT, str(folder), elsewhere)
    assert f"]({tmp_path}/my%20notes/a%20b.md#L1-L2)" in shown["answer"]


def test_links_to_the_web_and_the_result_itself_stay_as_they_are(folder: Path) -> None:
    shown = with_document_paths(RESULT, str(folder), folder.parent)
    assert "[[2]](https://x.example/a%20b.md)" in shown["answer"]
    assert shown["sources"][1] == RESULT["sources"][1]
    assert RESULT["sources"][0]["url"].startswith("docs:")


def test_without_a_folder_nothing_changes(folder: Path) -> None:
    assert with_document_paths(RESULT, None, folder) == RESULT
