"""Small real files of every kind that is read, each with a fact in it that no model could guess."""

import base64
import io
import zipfile
from importlib import import_module
from typing import Any

from langchain_core.messages import HumanMessage

from tests.tools.site import pdf

FACT = "The reserve of the Halden mill is 4711 tonnes"
"""The number stands nowhere but in the files."""
_DOCX_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_DOCX_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/officeDocument" Target="word/document.xml"/></Relationships>'
)
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def docx(text: str) -> bytes:
    """A Word document with one paragraph."""
    body = f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _DOCX_TYPES)
        archive.writestr("_rels/.rels", _DOCX_RELATIONS)
        document = f'<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
        archive.writestr("word/document.xml", document)
    return made.getvalue()


def xlsx(*cells: str) -> bytes:
    """A workbook with one row under a heading."""
    book: Any = import_module("openpyxl").Workbook()
    sheet = book.active
    sheet.append([f"column {number}" for number in range(len(cells))])
    sheet.append([*cells])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def pptx(text: str) -> bytes:
    """A presentation with one slide."""
    from pptx import Presentation

    slides = Presentation()
    slide = slides.slides.add_slide(slides.slide_layouts[5])
    slide.shapes.title.text = text
    made = io.BytesIO()
    slides.save(made)
    return made.getvalue()


def readable(fact: str = FACT) -> dict[str, bytes]:
    """One file of each kind whose text is read, with the fact in it."""
    return {
        "report.pdf": pdf(fact),
        "notes.docx": docx(fact),
        "table.xlsx": xlsx(fact, "tonnes"),
        "talk.pptx": pptx(fact),
        "page.html": f"<!doctype html><title>Page</title><p>{fact}.</p>".encode(),
        "rows.csv": f"what,amount\n{fact},1\n".encode(),
        "plain.txt": f"{fact}.\n".encode(),
        "read.md": f"# Stocks\n\n{fact}.\n".encode(),
    }


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def data_url(data: bytes, media_type: str = "application/octet-stream") -> str:
    return f"data:{media_type};base64,{base64_of(data)}"


def asked_with(question: str, files: dict[str, bytes]) -> HumanMessage:
    """A question with files in LangChain's standard form."""
    blocks: list[Any] = [{"type": "text", "text": question}] if question else []
    for name, data in files.items():
        block = {"type": "file", "base64": base64_of(data), "extras": {"filename": name}}
        blocks.append(block | {"mime_type": "application/octet-stream"})
    return HumanMessage(blocks)
