"""What a fetched address turned out to be, and how its bytes become text."""

import re
from dataclasses import dataclass

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.formatting import plain_text

_HTML = ("text/html", "application/xhtml+xml")
_TEXT = re.compile(
    r"text/.*|application/(?:.*\+)?(?:json|xml|yaml|toml)|application/(?:x-)?"
    r"(?:ndjson|jsonl|javascript|sh|tex|latex|sql|csv)|message/rfc822"
)
_UNKNOWN = ("", "application/octet-stream", "binary/octet-stream", "application/force-download")
_PDF = ("application/pdf", "application/x-pdf")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{2,30})", re.I)


@dataclass(frozen=True)
class Body:
    """A response, whole."""

    url: str
    """Where it came from, after redirects."""
    media_type: str
    charset: str | None
    data: bytes


@dataclass(frozen=True)
class Page:
    """A page as text."""

    url: str
    title: str
    text: str
    note: str = ""
    """What is missing from the text, in words, for example pages after a limit."""


def check_media_type(media_type: str) -> None:
    """Refuse a type that cannot become text, before its body is read.

    Raises:
        ToolFailure: `unsupported_type`.
    """
    if media_type not in (*_HTML, *_PDF, *_UNKNOWN) and not _TEXT.fullmatch(media_type):
        raise _unsupported(media_type)


def read_page(body: Body, *, max_pdf_pages: int, timeout_s: float) -> Page:
    """Turn a response into text. Slow: for a thread.

    Raises:
        ToolFailure: `unsupported_type` if no text can be had from it.
    """
    if body.media_type in _PDF or body.data.startswith(b"%PDF-"):
        from langgraph_fusion.tools.fetch.pdf import pdf_text

        pdf = pdf_text(body.data, max_pages=max_pdf_pages, timeout_s=timeout_s)
        return Page(body.url, plain_text(pdf.title), plain_text(pdf.text), pdf.note)
    if _is_binary(body.data):
        raise _unsupported(body.media_type or "binary data")
    if _is_html(body):
        from langgraph_fusion.tools.fetch.html import html_text

        title, text = html_text(decoded(body.data, body.charset or _declared(body.data)), body.url)
        note = "" if text else "[the page shows no text without running its scripts]"
        return Page(body.url, plain_text(title), plain_text(text), note)
    return Page(body.url, "", plain_text(decoded(body.data, body.charset)))


def decoded(data: bytes, charset: str | None = None) -> str:
    """Decode text: byte order mark, then the declared charset, then UTF-8, then Windows-1252."""
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    marked = next((name for mark, name in marks.items() if data.startswith(mark)), None)
    for name in (marked, charset, "utf-8"):
        try:
            if name:
                return data.decode(name)
        except (LookupError, UnicodeError):
            continue
    return data.decode("cp1252", errors="replace")


def _is_binary(data: bytes) -> bool:
    return b"\x00" in data[:8192] and not data.startswith((b"\xff\xfe", b"\xfe\xff"))


def _is_html(body: Body) -> bool:
    if body.media_type in _HTML:
        return True
    start = body.data[:512].lstrip().lower()
    return body.media_type in _UNKNOWN and start.startswith((b"<!doctype html", b"<html", b"<head"))


def _declared(data: bytes) -> str | None:
    found = _META_CHARSET.search(data[:4096])
    return found[1].decode("ascii") if found else None


def _unsupported(media_type: str) -> ToolFailure:
    return ToolFailure(
        "unsupported_type", f"Only web pages, PDF and text can be read, not {media_type[:60]}."
    )
