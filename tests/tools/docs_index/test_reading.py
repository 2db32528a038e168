import json
import os
from pathlib import Path
from threading import Event

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langgraph_fusion.tools.docs_index.reading import read_document
from langgraph_fusion.tools.extract.processes import Cancelled
from tests.tools.site import pdf

SUFFIXES = (".md", ".txt", ".rst", ".adoc", ".html", ".pdf", ".ipynb", ".json", ".csv", ".py",
            ".docx", ".xlsx", ".pptx", ".epub", ".bin", "")  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=400)
    | st.sampled_from(
        [b"%PDF-1.7\n", b"PK\x03\x04", b"<html>", b"{}", b"[]", b"null", b"\xff\xfe"]
    ),
    st.sampled_from(SUFFIXES),
)
def test_no_content_makes_reading_raise(data: bytes, suffix: str) -> None:
    document = read_document(f"a/odd{suffix}", data)
    assert bool(document.text) != bool(document.skipped)
    assert document.title
    document.text.encode()


@pytest.mark.parametrize("cut", [10, 100, 300, 500])
def test_a_damaged_pdf_is_listed_as_such(cut: int) -> None:
    whole = pdf("Silt of four metres", "Second page")
    for broken in (whole[:cut], whole.replace(b"/Type", b"/Tyqe"), whole[:cut] + os.urandom(200)):
        document = read_document("broken.pdf", broken)
        assert document.text or document.skipped


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256-R5", "AES-256"])
def test_an_encrypted_pdf_is_read_if_it_needs_no_password(algorithm: str, tmp_path: Path) -> None:
    for password in ("", "secret"):
        writer = pypdf.PdfWriter()
        (tmp_path / "plain.pdf").write_bytes(pdf("Silt of four metres"))
        writer.append(tmp_path / "plain.pdf")
        writer.encrypt(password, "owner", algorithm=algorithm)
        writer.write(tmp_path / "locked.pdf")
        document = read_document("locked.pdf", (tmp_path / "locked.pdf").read_bytes())
        if password:
            assert document.skipped == "This PDF needs a password."
        else:
            assert "Silt of four metres" in document.text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b" \t\r\n \xef\xbb\xbf", "empty"),
        (b"---\ntitle: x\n---\n\n", "only front matter"),
        (b"\x00\x01\x02", "not text"),
    ],
)
def test_a_note_without_text_says_why(data: bytes, reason: str) -> None:
    assert read_document("note.md", data).skipped == reason


@pytest.mark.parametrize(
    "html",
    [b"<!doctype html><html><body><div id=app></div><script>run()</script></body></html>",
     b"<html></html>", b"<!-- nothing -->", b"<script>x</script>", b"<img src=x>"],
)  # fmt: skip
def test_a_page_without_text_says_so(html: bytes) -> None:
    document = read_document("app.html", html)
    assert document.skipped == "it shows no text without running its scripts"


def test_a_notebook_is_read_with_its_outputs() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Tides\n", "Measured."]},
        {"cell_type": "code", "source": "print(13)", "outputs": [{"text": ["13\n"]}]},
        {"cell_type": "code", "source": ["x"], "outputs": [{"data": {"text/plain": "'y'"}}]},
    ]
    document = read_document("t.ipynb", json.dumps({"cells": cells}).encode())
    assert document.title == "Tides"
    assert "```\nprint(13)\n```\n\n```\n13\n```" in document.text
    assert "'y'" in document.text


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.py", "Makefile", "a.yaml", "a.unknown"])
def test_plain_text_of_any_name_is_read(name: str) -> None:
    document = read_document(name, b"depth,metres\nSaint-Malo,13\n")
    assert (document.title, document.skipped) == (name, "")
    assert "Saint-Malo,13" in document.text


def test_reading_ends_when_nobody_wants_it_any_more() -> None:
    cancelled = Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        read_document("a.html", b"<p>" * 200_000, cancelled)


def test_office_documents_are_read(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pptx = pytest.importorskip("pptx")
    book = openpyxl.Workbook()
    book.active.append(["Port", "Metres"])
    book.active.append(["Saint-Malo", 13])
    book.save(tmp_path / "tides.xlsx")
    slides = pptx.Presentation()
    slides.slides.add_slide(slides.slide_layouts[0]).shapes.title.text = "High water at noon"
    slides.save(tmp_path / "tides.pptx")
    for name, words in (("tides.xlsx", "Saint-Malo"), ("tides.pptx", "High water at noon")):
        document = read_document(name, (tmp_path / name).read_bytes())
        assert words in document.text
    assert read_document("bad.docx", b"PK\x03\x04 no archive").skipped


def test_a_file_whose_reading_failed_for_a_reason_nobody_knows_is_tried_again() -> None:
    document = read_document("odd.ipynb", b'{"cells": 1}')
    assert document.skipped == "this .ipynb file is damaged"
    assert document.again
