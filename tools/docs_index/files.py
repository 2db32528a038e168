"""Which files of a folder count as documents, and how each becomes text."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from langgraph_fusion.tools.docs_index.passages import front_matter
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.fetch.page import decoded
from langgraph_fusion.tools.formatting import plain_text

MAX_BYTES = 20 << 20
"""Larger files are listed as skipped."""
_HTML = (".html", ".htm", ".xhtml")
SUFFIXES = (".md", ".markdown", ".mdx", ".txt", ".text", ".rst", ".adoc", *_HTML, ".pdf")
_SKIPPED_FOLDERS = ("node_modules", "__pycache__", "venv", "site-packages")
_PDF_PAGES = 2000
_PDF_SECONDS = 60
_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*$|=+\s+(.+)$")


@dataclass(frozen=True)
class Stamp:
    """What tells a changed file from an unchanged one without reading it."""

    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Document:
    """A document as text."""

    path: str
    """Relative to the folder, with `/`."""
    title: str
    text: str
    skipped: str = ""
    """Why there is no text, in words."""


def document_files(folder: Path) -> Iterator[tuple[str, Path, Stamp]]:
    """Yield relative path, path and stamp of every document in the folder and below.

    Hidden and installed folders are left out, and links that lead out of the folder.
    """
    root = folder.resolve()
    for current, folders, names in os.walk(root):
        folders[:] = sorted(n for n in folders if n[0] != "." and n not in _SKIPPED_FOLDERS)
        for name in sorted(names):
            path = Path(current, name)
            if name[0] == "." or path.suffix.lower() not in SUFFIXES:
                continue
            if (stamp := _stamp(path, root)) and _is_text(name):
                yield path.relative_to(root).as_posix(), path, stamp


def read_bytes(path: Path, stamp: Stamp) -> tuple[bytes, str]:
    """Return a file's bytes and their SHA-256; no bytes if it is too large or unreadable."""
    if stamp.size > MAX_BYTES:
        return b"", "too large"
    try:
        data = path.read_bytes()
    except OSError:
        return b"", "unreadable"
    return data, hashlib.sha256(data).hexdigest()


def read_document(path: str, data: bytes, size: int) -> Document:
    """Turn a file's bytes into text. Slow for PDF and HTML. Never raises for bad content."""
    name = path.rpartition("/")[2]
    if not data:
        return Document(path, name, "", _why_empty(size))
    suffix = Path(name).suffix.lower()
    if suffix != ".pdf" and b"\x00" in data[:8192] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return Document(path, name, "", "not text")
    try:
        title, text = _text(suffix, data)
    except ToolFailure as failure:
        return Document(path, name, "", failure.message)
    text = plain_text(text)
    return Document(path, title or _heading(text) or name, text, _why_unused(text))


def _text(suffix: str, data: bytes) -> tuple[str, str]:
    if suffix == ".pdf":
        from langgraph_fusion.tools.fetch.pdf import pdf_text

        pdf = pdf_text(data, max_pages=_PDF_PAGES, timeout_s=_PDF_SECONDS)
        return plain_text(pdf.title), f"{pdf.text}\n{pdf.note}"
    if suffix in _HTML:
        from langgraph_fusion.tools.fetch.html import html_text

        title, text = html_text(decoded(data))
        return plain_text(title), text
    return "", decoded(data)


def _heading(text: str) -> str:
    """The title in the front matter, else the first heading."""
    lines = text[:5000].splitlines()
    front = front_matter(lines)
    for line in lines[:front]:
        if line.startswith("title:"):
            return line.removeprefix("title:").strip().strip("\"'")
    lines = lines[front:]
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        if found := _HEADING.match(line):
            return str(found[1] or found[2])
        if line.strip() and re.fullmatch(r"([=\-~#*])\1{2,}", following):  # rst, setext
            return line.strip()
    return ""


def _why_empty(size: int) -> str:
    if size > MAX_BYTES:
        return f"larger than {MAX_BYTES >> 20} MiB"
    return "unreadable" if size else "empty"


def _why_unused(text: str) -> str:
    if not text:
        return "no text"
    lines = text.splitlines()
    return "" if any(map(str.strip, lines[front_matter(lines) :])) else "only front matter"


def _is_text(name: str) -> bool:
    """Leave out names that are not valid Unicode: no URL could cite them."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _stamp(path: Path, root: Path) -> Stamp | None:
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            return None
        info = path.stat()
    except (OSError, RuntimeError):  # gone meanwhile, or a link to itself
        return None
    return Stamp(info.st_size, info.st_mtime_ns) if stat.S_ISREG(info.st_mode) else None
