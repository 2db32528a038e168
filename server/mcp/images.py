"""The argument `images` of the tool `deliberate`: addresses and data URLs.

MCP has images in what servers return and in prompts, not in what clients pass to a tool, whose
arguments are JSON (modelcontextprotocol.io, specification 2025-11-25, "Tools"). So an image is
a string. No path of this machine is read: a model writes the arguments.
"""

from typing import Any

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.request.images import MAX_BYTES, MAX_IMAGES, MIB, READABLE, read_block

IMAGES_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string"},
    "maxItems": MAX_IMAGES,
    "description": (
        f"Images that belong to the question ({READABLE}, at most {MAX_BYTES // MIB} MiB each): "
        "https addresses, or data URLs `data:image/png;base64,…`."
    ),
}


def image_blocks_of(given: Any) -> list[dict[str, Any]]:
    """The images as content blocks.

    Raises:
        ConfigError: If it is no list, or one is none that may be sent.
    """
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise ConfigError("write a list of https addresses or data URLs", field="images")
    if len(given) > MAX_IMAGES:
        raise ConfigError(f"at most {MAX_IMAGES} are read, not {len(given)}", field="images")
    return [_block(number, url) for number, url in enumerate(given, start=1)]


def _block(number: int, url: str) -> dict[str, Any]:
    try:
        return read_block({"type": "image_url", "image_url": url})
    except ValueError as error:
        raise ConfigError(f"image {number}: {error}", field="images") from None
