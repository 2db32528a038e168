"""How tool results look to a model: sources in tags that their own text cannot open or close."""

import re

from langgraph_fusion.models.text import clean_text
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.sources import Source
from langgraph_fusion.tools.tidy import tidied

TAGS = (
    "question",
    "conversation",
    "answer",
    "evidence",
    "source",
    "failed",
    "tool_result",
    "earlier_analysis",
    "your_earlier_answer",
    "follow_up",
    "analysis",
    "best_answer",
    "instructions",
    "seats",
    "draft",
    "lost",
    "citation",
    "before",
    "sentence",
    "files",
    "file",
    "image_description",
)
"""The tags that mark who said what in the messages between members, judge and writer."""

_TITLE_CHARS = 60
_TAG = re.compile(rf"<(?=\s*+/?\s*+(?:{'|'.join(TAGS)})\b)", re.I)


def escape_text(text: str) -> str:
    """Make untrusted text harmless inside our tags; other markup in it stays as it is."""
    return _TAG.sub("&lt;", text)


def escape_attribute(text: str) -> str:
    """Make untrusted text harmless between double quotes in one of our tags."""
    text = " ".join(text.split()).replace("&", "&amp;")
    return text.replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def plain_text(text: str) -> str:
    """Remove control characters, half characters and direction overrides; unify line ends."""
    return clean_text(text).strip()


def brief_title(title: str) -> str:
    """A title as models are shown it: of a long one beginning and end, which name the part."""
    if len(title) <= _TITLE_CHARS:
        return title
    half = _TITLE_CHARS // 2 - 1
    return f"{title[:half].rstrip()} … {title[-half:].lstrip()}"


def source_block(
    source: Source, text: str | None = None, *, title: str | None = None, url: str | None = None
) -> str:
    """Show a source with its id, title and URL around `text`, by default all that was seen.

    `title` and `url` take the place of the source's own where its surroundings say the rest; an
    empty title is left out.
    """
    shown = brief_title(source.title if title is None else title)
    attributes = {
        "title": shown if shown or title is None else None,
        "url": source.url if url is None else url,
        "published": source.published or None,
    }
    given = "".join(
        f' {name}="{escape_attribute(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    body = escape_text(displayed(source, source.text if text is None else text))
    return f'<source id="{source.id}"{given}>\n{body}\n</source>'


def displayed(source: Source, text: str) -> str:
    """Text of a source as models are shown it: outputs as they are, what was written tidied."""
    return text if source.kind in ("command", "tool") else tidied(text)


def page_of(text: str, start: int, size: int) -> tuple[str, str]:
    """Return up to `size` characters from `start`, and a line that says what remains and how.

    The line is empty if this is the whole text. A page ends at a line or word if one is near.

    Raises:
        ToolFailure: `invalid_arguments` if `start` lies outside the text.
    """
    if start < 0 or (start and start >= len(text)):
        raise ToolFailure("invalid_arguments", f"`start` must be from 0 to {len(text) - 1} here.")
    end = _page_end(text, start, size)
    piece, left = text[start:end], len(text) - end
    if left:
        return piece, f"[characters {start}-{end} of {len(text)}; {left} remain: use start={end}]"
    return piece, f"[characters {start}-{end} of {len(text)}; this is the end]" if start else ""


def _page_end(text: str, start: int, size: int) -> int:
    end = start + size
    if end >= len(text):
        return len(text)
    for mark in ("\n", " "):
        at = text.rfind(mark, end - size // 5, end)
        if at > start:
            return at + 1
    return end
