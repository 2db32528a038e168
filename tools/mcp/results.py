"""What a server returned, as text for a member; it is as little trusted as a web page."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from langgraph_fusion.models.text import clean_text, one_line

if TYPE_CHECKING:
    from mcp.types import CallToolResult

_ADDRESS = 300
_CUT = "[{left} more characters are not shown: ask for less, or for the next part]"


def text_of(result: "CallToolResult") -> str:
    """All text of a result, and a line for whatever is no text."""
    parts = [part for block in result.content for part in _parts(block)]
    if not parts and result.structuredContent is not None:
        parts = [json.dumps(result.structuredContent, ensure_ascii=False, indent=1)]
    return clean_text("\n\n".join(parts)).strip()


def cut(text: str, room: int) -> str:
    """At most so many characters of it, and a line that says what is missing."""
    if len(text) <= room:
        return text
    end = max(text.rfind("\n", room - room // 5, room), text.rfind(" ", room - 50, room))
    kept = text[: end if end > 0 else room].rstrip()
    return f"{kept}\n{_CUT.format(left=len(text) - len(kept))}"


def addresses_in(result: "CallToolResult") -> list[str]:
    """Addresses of the resources in a result."""
    found = (getattr(getattr(one, "resource", one), "uri", None) for one in result.content)
    return [str(uri) for uri in found if uri is not None]


def _parts(block: Any) -> Iterator[str]:
    """The text of a block; of a resource its address first."""
    if block.type == "text":
        yield block.text
    elif block.type == "resource_link":
        about = f"{block.title or block.name}. {block.description or ''}".strip()
        yield f"[resource {_line(block.uri)}: {_line(about)}]"
    elif block.type == "resource":
        held = getattr(block.resource, "text", None)
        yield f"[resource {_line(block.resource.uri)}]\n{held or '[no text: not shown]'}"
    else:
        yield f"[{block.type}, {_line(block.mimeType)}: not shown]"


def _line(value: object) -> str:
    return one_line(value)[:_ADDRESS]
