"""What a file is, by its bytes: its name and the type that a client states are hints at most."""

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from langgraph_fusion.tools.extract.charset import decode, is_binary

BINARY = "application/octet-stream"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OOXML = "application/vnd.openxmlformats-officedocument."


class FileKind(NamedTuple):
    """What a file is."""

    media_type: str
    words: str
    """For a reader: `PDF`, `Word document`, `CSV table`."""
    suffix: str
    """By which it is read, such as `.docx`; empty if no reader takes it."""
    refused: str = ""
    """Why it is not read, and the way out."""


_SAVE_AS = "the format is not read: save it as .docx, .xlsx, .pptx or PDF"
_NO_FORMAT = "not text, and of no format that is read"
_ENCRYPTED = "it is encrypted: save it without a password"
_IN_ZIP = (
    ("word/document.xml", f"{_OOXML}wordprocessingml.document", "Word document", ".docx"),
    ("xl/workbook.", f"{_OOXML}spreadsheetml.sheet", "Excel workbook", ".xlsx"),
    ("ppt/presentation.xml", f"{_OOXML}presentationml.presentation", "PowerPoint slides", ".pptx"),
    ("META-INF/container.xml", "application/epub+zip", "EPUB book", ".epub"),
    ("content.xml", "application/vnd.oasis.opendocument", "OpenDocument file", "", _SAVE_AS),
)
"""By a name in the archive's directory: the first that fits."""
_OLE_TYPE = "application/x-ole-storage"
_IN_OLE = (
    ("EncryptedPackage", _OLE_TYPE, "encrypted office document", "", _ENCRYPTED),
    ("Workbook", "application/vnd.ms-excel", "Excel workbook (old format)", ".xls"),
    ("__properties_version1.0", "application/vnd.ms-outlook", "Outlook message", ".msg"),
    ("WordDocument", "application/msword", "Word document (old format)", "", _SAVE_AS),
    ("PowerPoint Document", "application/vnd.ms-powerpoint", "slides (old format)", "", _SAVE_AS),
)
_MAGIC = (
    (rb"\x89PNG\r\n\x1a\n", "image/png", "PNG image"),
    (rb"\xff\xd8\xff", "image/jpeg", "JPEG image"),
    (rb"GIF8[79]a", "image/gif", "GIF image"),
    (rb"RIFF.{4}WEBP", "image/webp", "WebP image"),
    (rb"II\*\x00|MM\x00\*", "image/tiff", "TIFF image"),
    (rb".{4}ftyp(heic|heix|mif1|avif)", "image/heic", "HEIC or AVIF image"),
    (rb".{4}ftyp", "video/mp4", "video"),
    (rb"\x1aE\xdf\xa3", "video/webm", "video"),
    (rb"RIFF.{4}AVI ", "video/x-msvideo", "video"),
    (rb"RIFF.{4}WAVE", "audio/wav", "sound"),
    (rb"ID3|OggS|fLaC|\xff[\xe3\xf3\xfb\xf2]", "audio/mpeg", "sound"),
    (rb"\x1f\x8b", "application/gzip", "archive (gzip)"),
    (rb"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", "archive (7z)"),
    (rb"Rar!\x1a\x07", "application/vnd.rar", "archive (RAR)"),
    (rb"BZh[1-9]|\xfd7zXZ\x00|\x28\xb5\x2f\xfd", "application/x-compressed", "archive"),
    (rb"\x7fELF|MZ.{58}|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe", "application/x-executable", "program"),
    (rb"SQLite format 3\x00", "application/vnd.sqlite3", "SQLite database"),
    (rb"PAR1", "application/vnd.apache.parquet", "Parquet table"),
)  # fmt: skip
_BINARIES = tuple((re.compile(start, re.S), media, words) for start, media, words in _MAGIC)
_UNPACK = "an archive: unpack it to have it read"
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_ELEMENT = re.compile(r"<[a-z]+[\s>]", re.I)
_TEXTS = {
    ".md": ("text/markdown", "Markdown"), ".markdown": ("text/markdown", "Markdown"),
    ".csv": ("text/csv", "CSV table"), ".tsv": ("text/tab-separated-values", "TSV table"),
    ".json": ("application/json", "JSON"), ".jsonl": ("application/jsonl", "JSON lines"),
    ".xml": ("application/xml", "XML"), ".yaml": ("application/yaml", "YAML"),
    ".yml": ("application/yaml", "YAML"), ".html": ("text/html", "HTML page"),
    ".htm": ("text/html", "HTML page"), ".xhtml": ("text/html", "HTML page"),
    ".ipynb": ("application/x-ipynb+json", "notebook"), ".rst": ("text/x-rst", "reStructuredText"),
    ".svg": ("image/svg+xml", "SVG picture"),
}  # fmt: skip
_READ_AS_TEXT = re.compile(r"\.[a-z0-9]{1,8}")
_SNIFFED = 4096
"""Bytes in which a page says that it is one."""
_NEVER_TEXT = frozenset({
    ".pdf", ".docx", ".pptx", ".xlsx", ".xls", ".epub", ".msg", ".ipynb", ".html", ".htm", ".xhtml",
})  # fmt: skip
"""Suffixes whose readers are chosen by content alone: a text under such a name is plain text."""


def kind_of(name: str, data: bytes) -> FileKind:
    """Say what a file is. Cheap, and nothing of it is unpacked or parsed."""
    if b"%PDF-" in data[:1024]:
        return FileKind("application/pdf", "PDF", ".pdf")
    if data.startswith(_ZIP):
        return _zip_kind(data)
    if data.startswith(_OLE):
        return _ole_kind(data)
    for start, media_type, words in _BINARIES:
        if start.match(data) and not _is_plain(data):
            is_archive = words.startswith("archive")
            why = _UNPACK if is_archive else f"no text is read from files of this kind ({words})"
            return FileKind(media_type, words, "", why)
    if is_binary(data) or not _is_plain(data):
        return FileKind(BINARY, "binary file", "", _NO_FORMAT)
    if data.startswith(b"{\\rtf"):
        why = "the format .rtf is not read: save it as .docx or PDF"
        return FileKind("application/rtf", "RTF document", "", why)
    return _text_kind(PurePosixPath(name).suffix.lower(), data)


def _zip_kind(data: bytes) -> FileKind:
    """By the names in the archive's directory, which stands at its end."""
    end = data.rfind(b"PK\x05\x06")
    begin = int.from_bytes(data[end + 16 : end + 20], "little") if end >= 0 else 0
    directory = data[begin:] if 0 < begin < len(data) else data
    for name, *kind in _IN_ZIP:
        if name.encode() in directory:
            return FileKind(*kind)
    return FileKind("application/zip", "archive (zip)", "", _UNPACK)


def _ole_kind(data: bytes) -> FileKind:
    for name, *kind in _IN_OLE:
        if name.encode("utf-16-le") in data:
            return FileKind(*kind)
    return FileKind(_OLE_TYPE, "binary file", "", _NO_FORMAT)


def _is_plain(data: bytes) -> bool:
    """Whether hardly any control characters are in its beginning, once it is decoded."""
    if is_binary(data):
        return False
    head = data[:_SNIFFED]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    odd = sum(byte < 32 and byte not in (7, 8, 9, 10, 12, 13, 27) for byte in head)
    return odd * 100 <= len(head)


def _text_kind(suffix: str, data: bytes) -> FileKind:
    head = decode(data[:_SNIFFED])
    named_so = suffix in (".html", ".htm", ".xhtml")
    if _HTML.match(head) or (named_so and _ELEMENT.search(head)):
        return FileKind("text/html", "HTML page", ".html")
    if suffix == ".ipynb" and head.lstrip().startswith("{") and b'"cells"' in data:
        return FileKind(*_TEXTS[".ipynb"], ".ipynb")
    known = suffix in _TEXTS and suffix not in _NEVER_TEXT
    media_type, words = _TEXTS[suffix] if known else ("text/plain", "text")
    plain = suffix in _NEVER_TEXT or not _READ_AS_TEXT.fullmatch(suffix)
    return FileKind(media_type, words, ".txt" if plain else suffix)
