"""A question with images that the caller names: files, addresses, data URLs, or bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.request.images import (
    MAX_BYTES,
    MAX_IMAGES,
    Image,
    read_block,
)

ImageSource = str | Path | bytes
"""A path, an https address, a data URL, or the bytes of an image."""
_ADDRESSES = ("https://", "http://", "data:")
_SHOWN = 80


def question_with_images(text: str, images: Sequence[ImageSource]) -> HumanMessage:
    """The question as a user's message with content blocks; without images with its text alone.

    Raises:
        ConfigError: If there are too many, or one cannot be read or is none that may be sent.
    """
    if not images:
        return HumanMessage(text)
    if len(images) > MAX_IMAGES:
        raise ConfigError(f"at most {MAX_IMAGES} are read, not {len(images)}", field="images")
    content: list[Any] = [{"type": "text", "text": text}]
    for number, source in enumerate(images, start=1):
        try:
            content.append(_block(source))
        except (ValueError, OSError) as error:
            why = getattr(error, "strerror", None) or error
            raise ConfigError(f"{_name(source, number)}: {why}", field="images") from None
    return HumanMessage(content)


def _block(source: ImageSource) -> dict[str, Any]:
    if isinstance(source, bytes):
        return Image.of(source).block
    if isinstance(source, str) and source[:8].lower().startswith(_ADDRESSES):
        return read_block({"type": "image_url", "image_url": source})
    if "://" in str(source) and not Path(source).exists():
        raise ValueError("an address begins with https:// or http://; anything else is a file")
    with Path(source).expanduser().open("rb") as file:
        return Image.of(file.read(MAX_BYTES + 1)).block


def _name(source: ImageSource, number: int) -> str:
    if isinstance(source, bytes) or str(source)[:5].lower() == "data:":
        return f"image {number}"
    shown = str(source)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
