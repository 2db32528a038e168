"""Inline Markdown and HTML into the words a reader sees; code spans keep their backticks."""

from __future__ import annotations

import re

from langgraph_fusion.models.offline.citations import CITATION

_IMAGE = re.compile(r"!\[[^\]]{0,300}\](?:\([^)]{0,500}\)|\[[^\]]{0,100}\])")
_LINK = re.compile(r"\[([^\[\]]{0,500})\]\((?:[^()]|\([^()]{0,200}\)){0,500}\)")
_REFERENCE = re.compile(rf"(?!{CITATION})\[([^\[\]]+)\](?!{CITATION})\[[^\[\]]*\]")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,60}\]:?")
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9-]*(?:\s[^<>]{0,300})?/?>")
_STRONG = re.compile(r"(\*\*\*|\*\*|___|__)(?=\S)([^\n]{1,400}?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=[^\s*_])([^*_\n]{1,300}?)(?<=\S)\1(?![\w*])")
_CODE = re.compile(r"(`+[^`]*`+)")
_SPACE = re.compile(r"\s+")


def plain_inline(text: str) -> str:
    """Drop links, images, emphasis and tags outside code spans and squeeze white space."""
    if not any(mark in text for mark in "[<*_`"):
        return _SPACE.sub(" ", text).strip()
    linked = _REFERENCE.sub(r"\1", _LINK.sub(r"\1", _IMAGE.sub("", _FOOTNOTE.sub("", text))))
    parts = _CODE.split(_STRONG.sub(r"\2", linked))
    shown = "".join(part if part.startswith("`") else _plain(part) for part in parts)
    if shown.count("`") % 2:
        shown = shown.replace("`", "")
    return _SPACE.sub(" ", shown).strip()


def _plain(text: str) -> str:
    return _EMPHASIS.sub(r"\2", _TAG.sub(" ", text))
