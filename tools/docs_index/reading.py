"""How the bytes of a document become its text."""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from threading import Event
from typing import Any

from langgraph_fusion.tools.docs_index.formats import markup_of, missing_extra, reader_of
from langgraph_fusion.tools.docs_index.headings import front_matter, headings, title_of
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.extract.charset import decode, is_binary
from langgraph_fusion.tools.extract.processes import Cancelled, extract
from langgraph_fusion.tools.extract.text import Text
from langgraph_fusion.tools.formatting import plain_text

_PDF_PAGES = 2000
_SECONDS = 60.0
"""For one file; a PDF is read page by page and shown as far as that goes."""
_CELL_OUTPUT = 2000


@dataclass(frozen=True)
class Document:
    """A document as text."""

    path: str
    """Relative to the folder, with `/`."""
    title: str
    text: str
    skipped: str = ""
    """Why there is no text, in words."""
    again: bool = False
    """The reason lies outside of the file: it is tried again although the file did not change."""


def skip(path: str, reason: str, *, again: bool = False) -> Document:
    """A document that is listed but not read, and why."""
    return Document(path, PurePosixPath(path).name, "", reason, again)


def read_document(path: str, data: bytes, cancelled: Event | None = None) -> Document:
    """Turn a file's bytes into text. Slow for PDF and HTML. No content makes it raise.

    Raises:
        Cancelled: As soon as the event is set.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if reason := missing_extra(suffix):
        return skip(path, reason, again=True)
    if not data:
        return skip(path, "empty")
    try:
        found = _text(suffix, data, cancelled)
    except Cancelled:
        raise
    except ToolFailure as failure:
        return skip(path, failure.message, again=failure.reason in ("timeout", "unavailable"))
    except Exception:  # noqa: BLE001 - one odd file must not hide all others
        damaged = f"this {suffix or 'nameless'} file is damaged"
        return skip(path, damaged, again=True)  # for all that is known it may be this process
    return _document(path, suffix, found)


def _document(path: str, suffix: str, found: Text) -> Document:
    text = plain_text(found.text)
    lines = text.split("\n")
    if not text or not any(map(str.strip, lines[front_matter(lines) :])):
        return skip(path, found.note.strip("[]") or ("only front matter" if text else "empty"))
    markup = markup_of(suffix)
    title = plain_text(found.title) or title_of(lines, markup, headings(lines, markup))
    text = f"{text}\n{found.note}" if found.note else text
    return Document(path, " ".join(title.split()) or PurePosixPath(path).name, text)


def _text(suffix: str, data: bytes, cancelled: Event | None) -> Text:
    reader = reader_of(suffix)
    given: dict[str, Any] = {"timeout_s": _SECONDS, "cancelled": cancelled}
    if reader == "pdf":
        return extract("pdf", data, **given, max_pages=_PDF_PAGES, seconds=_SECONDS * 0.8)
    if reader == "office":
        return extract("office", data, **given, suffix=suffix)
    if is_binary(data):
        raise ToolFailure("unsupported_type", _no_text(suffix))
    if reader == "html":
        return _html(data, given)
    text = decode(data)
    return Text("", notebook_text(text) if reader == "notebook" else text)


def _html(data: bytes, given: dict[str, Any]) -> Text:
    try:
        found = extract("html", data, **given)
    except ToolFailure as failure:
        if failure.reason == "unavailable":
            raise
        found = extract("html_words", data, **given)
    return found if found.text else Text("", "", "[it shows no text without running its scripts]")


def _no_text(suffix: str) -> str:
    is_format_of_its_own = suffix and markup_of(suffix) == "none"
    return f"no text: the format {suffix} is not read" if is_format_of_its_own else "not text"


def notebook_text(source: str) -> str:
    """The cells of a Jupyter notebook as Markdown, with the text of their outputs.

    Raises:
        Exception: If it is not a notebook.
    """
    notebook = json.loads(source)
    language = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "")
    return "\n\n".join(_cell(cell, language) for cell in notebook["cells"])


def _cell(cell: dict[str, Any], language: str) -> str:
    source = "".join(cell.get("source", ""))
    if cell.get("cell_type") != "code":
        return source
    outputs = "".join(_output(output) for output in cell.get("outputs", []))[:_CELL_OUTPUT]
    parts = [f"```{language}\n{source}\n```"]
    return "\n\n".join(parts + ([f"```\n{outputs.rstrip()}\n```"] if outputs.strip() else []))


def _output(output: dict[str, Any]) -> str:
    text = output.get("text") or output.get("data", {}).get("text/plain") or ""
    return "".join(text) + "\n"
