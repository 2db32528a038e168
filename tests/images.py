"""Images for tests, and what a scripted model sees in them: their colour, out of their pixels."""

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Any

RED, GREEN, BLUE = (255, 0, 0), (0, 160, 0), (0, 0, 255)
_NAMES = {RED: "red", GREEN: "green", BLUE: "blue"}
Colour = tuple[int, int, int]


def png(colour: Colour = RED, width: int = 8, height: int = 4) -> bytes:
    """A picture of one colour."""
    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in chunks)


def data_url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def colour_of(url: str) -> str:
    """What a model sees that is sent this data URL: its first pixel, by name."""
    data = base64.b64decode(url.partition(",")[2], validate=True)
    at = data.index(b"IDAT")
    (size,) = struct.unpack(">I", data[at - 4 : at])
    pixels = zlib.decompress(data[at + 4 : at + 4 + size])
    red, green, blue = pixels[1:4]
    return _NAMES[red, green, blue]


def colours(urls: Sequence[str]) -> str:
    return " and ".join(map(colour_of, urls)) or "nothing"


def sees(name: str, *, images: bool = True) -> dict[str, Any]:
    """An entry of OpenRouter's list of models."""
    modalities = ["text", "image"] if images else ["text"]
    return {"id": name, "architecture": {"input_modalities": modalities}}


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
