"""A folder with odd files answers like one without, and says which files were not read."""

import os
from pathlib import Path

import pytest

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.settings import load_settings
from tests.tools.site import pdf

HERONS = "# Heron survey\n\nThe heron colony at Lake Ostrava had 214 nests in 2023.\n"
QUESTION = "How many nests did the heron colony have in 2023?"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


async def test_odd_files_cost_the_others_nothing(folder: Path) -> None:
    odd = {
        "newline.md": b"\n",
        "front.md": b"---\ntitle: x\n---\n",
        "app.html": b"<!doctype html><div id=app></div><script src=app.js></script>",
        "bad.pdf": b"%PDF-1.7\n1 0 obj\n<</Type /Nothing>>\nendobj\n",
        "cut.pdf": pdf("words")[:200],
        "random.md": os.urandom(2000) + b"\x00",
        "picture.png": b"\x89PNG\r\n\x1a\n\x00",
        "old.doc": b"\xd0\xcf\x11\xe0",
    }
    (folder / "birds.md").write_text(HERONS)
    for name, data in odd.items():
        (folder / name).write_bytes(data)
    result = await aask(QUESTION, load_settings({"preset": "offline", "docs": str(folder)}))
    assert "214" in result.answer
    assert [source.title for source in result.sources if source.number] == ["Heron survey"] * 3
    documents = result.used.documents
    assert documents is not None
    assert documents.indexed == 1
    assert {one.path for one in documents.skipped} == set(odd)
    assert all(one.reason for one in documents.skipped)
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("text", "question", "figure"),
    [
        ("风铃草指数在2024年为七十七点四。苹果的收入增长了。", "2024年的风铃草指数", "七十七点四"),
        (
            "風鈴草指数は2024年に77.4でした。東京の天気。",
            "風鈴草指数は2024年にいくらでしたか",
            "77.4",
        ),
    ],
)
async def test_a_question_in_a_script_without_spaces_is_answered(
    folder: Path, text: str, question: str, figure: str
) -> None:
    (folder / "report.md").write_text(f"# 报告\n\n{text}\n")
    result = await aask(question, load_settings({"preset": "offline", "docs": str(folder)}))
    assert figure in result.answer
    assert result.used.sources_cited == 1
