"""A fetched response, and its conversion to text."""

import re
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.extract.charset import decode, is_binary
from langgraph_fusion.tools.extract.processes import extract
from langgraph_fusion.tools.extract.text import Text
from langgraph_fusion.tools.formatting import plain_text

_HTML = ("text/html", "application/xhtml+xml")
_TEXT = re.compile(
    r"text/.*|application/(?:.*\+)?(?:json|xml|yaml|toml)|application/(?:x-)?"
    r"(?:ndjson|jsonl|javascript|sh|tex|latex|sql|csv)|message/rfc822"
)
_UNKNOWN = ("", "application/octet-stream", "binary/octet-stream", "application/force-download")
_PDF = ("application/pdf", "application/x-pdf")


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


def read_page(body: Body, *, max_pdf_pages: int, timeout_s: float, cancelled: Event) -> Page:
    """Turn a response into text. Blocks: for a thread.

    Raises:
        ToolFailure: `unsupported_type` if no text can be had from it, `timeout`.
        Cancelled: As soon as the event is set.
    """
    if body.media_type in _PDF or body.data.startswith(b"%PDF-"):
        given: dict[str, Any] = {"max_pages": max_pdf_pages, "seconds": timeout_s * 0.8}
        pdf = extract("pdf", body.data, timeout_s=timeout_s, cancelled=cancelled, **given)
        return _page(body, pdf)
    if is_binary(body.data):
        raise _unsupported(body.media_type or "binary data")
    if _is_html(body):
        found = _html(body, timeout_s, cancelled)
        note = "" if found.text else "[the page shows no text without running its scripts]"
        return _page(body, replace(found, note=note))
    return _page(body, Text("", decode(body.data, body.charset)))


def _html(body: Body, timeout_s: float, cancelled: Event) -> Text:
    """The page as Markdown; if that takes too long its words."""
    given: dict[str, Any] = {"cancelled": cancelled, "charset": body.charset, "url": body.url}
    try:
        return extract("html", body.data, timeout_s=timeout_s * 0.7, **given)
    except ToolFailure as failure:
        if failure.reason == "unavailable":
            raise
        return extract("html_words", body.data, timeout_s=timeout_s * 0.3, **given)


def _page(body: Body, found: Text) -> Page:
    return Page(body.url, plain_text(found.title), plain_text(found.text), found.note)


def _is_html(body: Body) -> bool:
    if body.media_type in _HTML:
        return True
    start = body.data[:512].lstrip().lower()
    return body.media_type in _UNKNOWN and start.startswith((b"<!doctype html", b"<html", b"<head"))


def _unsupported(media_type: str) -> ToolFailure:
    return ToolFailure(
        "unsupported_type", f"Only web pages, PDF and text can be read, not {media_type[:60]}."
    )
