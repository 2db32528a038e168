"""Text of models, pages, documents, servers and clients, made safe to keep and to show.

A terminal obeys escape sequences, bidirectional overrides make text read as something else, half a
character cannot be encoded, and an error text may hold a key. Code in Markdown is found by
`models.markdown`. Not covered: letters that look like others.
"""

from __future__ import annotations

import html
import math
import os
import re
from collections.abc import Mapping
from typing import Any

MAX_DETAIL = 300
"""Characters of an error text that are kept."""
MAX_DEPTH = 100
"""Levels of a JSON value that are kept; Python's own functions give up at about a thousand."""

_SEQUENCES = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]  # control sequences: colour, cursor
  | (?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])  # strings: title, link, clipboard …
    [^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?  # … up to their end, at most to that of the line
  | \x1b[ -/]*[0-~]  # two-character escapes
    """,
    re.VERBOSE,
)
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff"  # all but tab and newline; byte order marks
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # line separators and direction overrides
    "\ufff9-\ufffb\U000e0000-\U000e007f]"  # annotations and invisible tags
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.I)
_UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1>|\Z)", re.I | re.S)
_TAG = re.compile(r"<[!/a-z][^<>]*>", re.I)
_PAGE = re.compile(r"<(!doctype|html|head|body)\b", re.I)
_KEY_SHAPES = re.compile(
    r"\b(?:(?:sk|pk|rk|gsk|xai|hf|lsv2|tvly)[-_]|AIza)(?=[-\w*]{0,200}\d)[-\w*]{6,}"
    r"|\bBearer\s+\S+"
    r"|(?<=[?&]key=)[^&\s]+"
    r"|\b[A-Za-z0-9_]{40,}\b",
    re.I,
)
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD")
_MAX_READ = 100_000


def clean_text(text: object) -> str:
    """Return the text without anything a terminal would obey; lines end in newlines, tabs stay."""
    shown = _LINE_ENDS.sub("\n", _SEQUENCES.sub("", str(text)))
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", shown))


def one_line(text: object) -> str:
    """Return the text cleaned and on one line."""
    return " ".join(clean_text(text).split())


def clean_json(text: str) -> str:
    r"""Write what `clean_text` would remove as `\u…` escapes: the same JSON, safe to print."""
    return _SURROGATES.sub(_escaped, _CONTROLS.sub(_escaped, text))


def well_formed(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a JSON-able value that can be written.

    Two halves of a character become one, a lone one U+FFFD; a number that JSON does not have, and
    what is nested deeper than `depth` levels, becomes None.
    """
    if isinstance(value, str):
        return value if _encodes(value) else _joined(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, dict | list):
        return value
    if depth <= 0:
        return None
    if isinstance(value, list):
        return [well_formed(inner, depth - 1) for inner in value]
    return {well_formed(key): well_formed(inner, depth - 1) for key, inner in value.items()}


def clean_detail(text: str, env: Mapping[str, str] = os.environ) -> str:
    """Return one line of at most 300 characters without markup and without secrets.

    A secret is what looks like a key, and the value of any variable named like one.
    """
    return _cut(one_line(without_secrets(_plain(text[:_MAX_READ]), env)))


def without_secrets(text: str, env: Mapping[str, str] = os.environ) -> str:
    """Return the text with secrets replaced by `[hidden]`."""
    for name, value in env.items():
        if len(value) >= 6 and _SECRET_NAME.search(name.upper()):
            text = text.replace(value, "[hidden]")
    return _KEY_SHAPES.sub("[hidden]", text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def _encodes(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _joined(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _plain(text: str) -> str:
    if not _PAGE.search(text):
        return text
    title = _TITLE.search(text)
    return (
        "HTML page: "
        + html.unescape(title[1] if title else _TAG.sub(" ", _UNSEEN.sub(" ", text))).strip()
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_DETAIL else text[: MAX_DETAIL - 1] + "…"
