"""Reads the labelled blocks of prompts and tool results.

Text inside a block is escaped by whoever wrote it (`<` before one of our tag names is `&lt;`), so
the first closing tag is the block's own. Escaped text is quoted as it stands, never unescaped.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

_ATTRIBUTE = re.compile(r'([a-z_]+)="([^"]*)"')


@dataclass(frozen=True)
class Block:
    tag: str
    attributes: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Source:
    id: str
    title: str
    url: str
    text: str


@dataclass(frozen=True)
class FollowUp:
    """To a member: `text` is the question. To the judge: `text` is what `seat` answered."""

    id: str
    text: str
    question: str = ""
    seat: str = ""
    about: str = ""


def blocks(text: str, tag: str) -> list[Block]:
    """Return every `<tag …>…</tag>` in order; an unclosed one runs to the end."""
    pattern = re.compile(rf"<{tag}((?:\s[^<>]*)?)>(.*?)(?:</{tag}>|\Z)", re.DOTALL)
    return [
        Block(tag, _attributes(found.group(1)), found.group(2).strip("\n"))
        for found in pattern.finditer(text)
    ]


def block_text(text: str, tag: str) -> str:
    """Return the text of the first such block, or nothing."""
    found = blocks(text, tag)
    return found[0].text.strip() if found else ""


def sources(text: str) -> list[Source]:
    """Return the `<source>` blocks that carry an id."""
    found = (
        Source(
            block.attributes.get("id", ""),
            block.attributes.get("title", ""),
            block.attributes.get("url", ""),
            block.text,
        )
        for block in blocks(text, "source")
    )
    return [source for source in found if source.id]


def follow_ups(text: str) -> list[FollowUp]:
    """Return the follow-ups with an id; a block that holds several (`F1, F2`) becomes several."""
    return [each for block in blocks(text, "follow_up") for each in _follow_ups(block)]


def _follow_ups(block: Block) -> list[FollowUp]:
    ids = _list(block.attributes.get("id", ""), ",")
    questions = _list(block.attributes.get("question", ""), " | ")
    about = _list(block.attributes.get("about", ""), ",")
    seat = block.attributes.get("seat", "")
    return [
        FollowUp(each, _part(block.text, each, ids), _at(questions, at), seat, _at(about, at))
        for at, each in enumerate(ids)
    ]


def _part(text: str, wanted: str, ids: list[str]) -> str:
    """Return what stands under the line `F1:`, or everything if only one follow-up is answered."""
    labels = "|".join(map(re.escape, ids))
    pieces = re.split(rf"^\W*({labels})\b\W*?(?::|$)", text, flags=re.MULTILINE)
    labelled = dict(zip(pieces[1::2], pieces[2::2], strict=False))
    return labelled.get(wanted, "" if len(ids) > 1 else text).strip()


def _list(text: str, mark: str) -> list[str]:
    return [each.strip() for each in text.split(mark) if each.strip()]


def _at(items: list[str], at: int) -> str:
    return items[at] if at < len(items) else ""


def json_block(text: str, tag: str) -> dict[str, Any]:
    """Return the JSON object in such a block, or an empty one if it is missing or broken."""
    try:
        value = json.loads(block_text(text, tag) or "{}")
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _attributes(text: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(text)}
