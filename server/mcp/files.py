"""Files as an argument of a tool: MCP's resource contents, embedded resources and links.

Servers of MCP are given files in no other way: prompts and clients have resources, tool calls have
JSON arguments. So the argument takes the very objects that clients know from resources, and a plain
`name` with `text` or `blob` for a model that writes the call itself.
"""

import base64
from collections.abc import Mapping
from typing import Any

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.request.file_blocks import file_block

Json = dict[str, Any]
_MOST = 64
"""Files of one call; how many of them are read is decided by the run."""
_TEXT: Json = {"type": "string"}
FILES_SCHEMA: Json = {
    "type": "array",
    "maxItems": _MOST,
    "description": (
        "Files to be read, searched and cited: PDF, Word, Excel, PowerPoint, HTML, CSV, Markdown, "
        "text. Each has a name or uri, and its text, its bytes as base64 (blob), or an https uri "
        "alone, which is fetched. An MCP resource can be passed on as it is."
    ),
    "items": {
        "type": "object",
        "properties": {
            "name": _TEXT,
            "uri": _TEXT,
            "mimeType": _TEXT,
            "text": _TEXT,
            "blob": {"type": "string", "description": "The bytes, in base64."},
            "type": {"type": "string", "enum": ["resource", "resource_link"]},
            "resource": {"type": "object"},
        },
    },
}


def file_blocks_of(given: Any) -> list[Json]:
    """The argument as content blocks.

    Raises:
        ConfigError: If it is no list of files.
    """
    if not isinstance(given, list) or len(given) > _MOST:
        raise ConfigError(f"give a list of at most {_MOST} files", field="files")
    return [_block(number, one) for number, one in enumerate(given)]


def _block(number: int, given: Any) -> Json:
    inner = given.get("resource") if isinstance(given, Mapping) else None
    one = {**given, **inner} if isinstance(inner, Mapping) else given
    if not isinstance(one, Mapping):
        raise _wrong(number, "it is no object")
    said = {key: one[key] for key in ("name", "title", "uri", "text", "blob") if one.get(key)}
    if any(not isinstance(value, str) for value in said.values()):
        raise _wrong(number, "name, uri, text and blob are texts")
    name = said.get("name") or said.get("title") or said.get("uri", "").rpartition("/")[2]
    if "blob" in said:
        return file_block(name, said["blob"])
    if "text" in one and isinstance(one["text"], str):
        return file_block(name, base64.b64encode(one["text"].encode(errors="replace")).decode())
    if said.get("uri", "").lower().startswith(("https://", "http://")):
        return file_block(name, url=said["uri"])
    raise _wrong(number, "it has neither `text` nor `blob` nor an https `uri`")


def _wrong(number: int, why: str) -> ConfigError:
    return ConfigError(why, field=f"files.{number}")
