"""Error text fit for logs, state and eyes."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping

MAX_DETAIL = 300
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.I | re.S)
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[!/a-z][^>]*>", re.I | re.S)
_KEY_SHAPES = re.compile(
    r"\b(?:(?:sk|pk|rk|gsk|xai|hf|lsv2|tvly)[-_]|AIza)(?=[-\w*]*\d)[-\w*]{6,}"
    r"|\bBearer\s+\S+"
    r"|(?<=[?&]key=)[^&\s]+"
    r"|\b[A-Za-z0-9_]{40,}\b",
    re.I,
)
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD")


def clean_detail(text: str, env: Mapping[str, str] = os.environ) -> str:
    """Return one line of at most 300 characters without markup and without secrets.

    A secret is what looks like a key, and the value of any variable named like one.
    """
    return _cut(" ".join(without_secrets(_plain(text), env).split()))


def without_secrets(text: str, env: Mapping[str, str] = os.environ) -> str:
    """Return the text with secrets replaced by `[hidden]`."""
    for name, value in env.items():
        if len(value) >= 6 and _SECRET_NAME.search(name.upper()):
            text = text.replace(value, "[hidden]")
    return _KEY_SHAPES.sub("[hidden]", text)


def _plain(text: str) -> str:
    if not re.search(r"<(!doctype|html|head|body)\b", text, re.I):
        return text
    title = _TITLE.search(text)
    return "HTML page: " + html.unescape(title[1] if title else _TAG.sub(" ", text)).strip()


def _cut(text: str) -> str:
    return text if len(text) <= MAX_DETAIL else text[: MAX_DETAIL - 1] + "…"
