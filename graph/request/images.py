"""Images of a conversation: read from any common form, checked by their bytes, kept as one form.

Inside the graph an image is LangChain's standard content block with its data in it:

    {"type": "image", "base64": "…", "mime_type": "image/png",
     "extras": {"sha256": "…", "bytes": 2087, "width": 640, "height": 480, "detail": "low"}}

Not covered: whether the picture can be decoded; a provider says so, and no decoder runs here.
"""

import base64
import binascii
import hashlib
import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, cast, get_args

from langchain_core.messages import BaseMessage

Detail = Literal["auto", "low", "high"]
MIB = 1 << 20
MAX_IMAGES = 16
"""Images of a conversation. Ours: every call of every seat sends them."""
MAX_BYTES = 5 * MIB
"""Of one image: the limit of Anthropic's API (platform.claude.com/docs, vision)."""
MAX_TOTAL_BYTES = 16 * MIB
"""Of all images: base64 makes 21 MiB of them, near Google's 20 MB for a whole request."""
READABLE = "png, jpeg, gif and webp"
_KINDS = ("image", "image_url", "input_image")
_PREFIX = "data:"
_Json = Mapping[str, Any]


@dataclass(frozen=True)
class Image:
    """One image, whole."""

    base64: str
    media_type: str
    """By its first bytes, whatever its name or its sender says."""
    sha256: str
    size: int
    """Bytes."""
    width: int | None
    """Pixels; None where its header does not say."""
    height: int | None
    detail: Detail | None = None
    """How closely a model should look, if the caller said so."""

    @classmethod
    def of(cls, data: bytes, detail: Detail | None = None) -> Self:
        """Check an image's bytes.

        Raises:
            ValueError: If it is too large, empty or of no readable kind.
        """
        if len(data) > MAX_BYTES:
            raise ValueError(
                f"it has more than {MAX_BYTES // MIB} MiB, the most that is sent to a model; make "
                "it smaller"
            )
        if not data:
            raise ValueError("it is empty")
        media_type = media_type_of(data)
        if media_type is None:
            raise ValueError(f"its bytes are no image that models read ({READABLE})")
        width, height = _size(data)
        text = base64.b64encode(data).decode()
        digest = hashlib.sha256(data).hexdigest()
        return cls(text, media_type, digest, len(data), width, height, detail)

    @property
    def block(self) -> dict[str, Any]:
        """The image as a content block of LangChain's standard form."""
        facts = {
            "sha256": self.sha256,
            "bytes": self.size,
            "width": self.width,
            "height": self.height,
            "detail": self.detail,
        }
        extras = {name: value for name, value in facts.items() if value is not None}
        return {
            "type": "image",
            "base64": self.base64,
            "mime_type": self.media_type,
            "extras": extras,
        }

    @property
    def facts(self) -> dict[str, Any]:
        """What is said of it wherever it is not itself."""
        return {
            "sha256": self.sha256,
            "media_type": self.media_type,
            "bytes": self.size,
            "width": self.width,
            "height": self.height,
        }

    @classmethod
    def of_block(cls, block: _Json) -> Self:
        """The image of a block that was made by `block`: nothing is checked again."""
        facts = block["extras"]
        return cls(
            block["base64"],
            block["mime_type"],
            facts["sha256"],
            facts["bytes"],
            facts.get("width"),
            facts.get("height"),
            facts.get("detail"),
        )


@dataclass(frozen=True)
class Given:
    """An image as a caller gave it: an address, a data URL, or base64."""

    url: str = ""
    base64: str = ""
    detail: Detail | None = None

    @property
    def is_remote(self) -> bool:
        """Whether it has to be fetched."""
        return bool(self.url) and self.url[: len(_PREFIX)].lower() != _PREFIX

    def image(self) -> Image:
        """The image of one that is not remote.

        Raises:
            ValueError: If it is no base64, or no image that may be sent.
        """
        return Image.of(_decoded(self.base64 or _data_of(self.url)), self.detail)


def media_type_of(data: bytes) -> str | None:
    """The type of an image by its first bytes; None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def is_image(part: Any) -> bool:
    """Whether a content block is an image, in whatever form."""
    return isinstance(part, Mapping) and part.get("type") in _KINDS


def given_in(part: _Json) -> Given:
    """The image of a content block: OpenAI's two forms, LangChain's, Anthropic's, MCP's.

    Raises:
        ValueError: If the block holds none that can be read here.
    """
    if part.get("file_id"):
        raise ValueError(
            "`file_id` names a file kept at OpenAI, which cannot be read here; send the image "
            "itself as a data URL, or its https address"
        )
    inner = part.get("image_url", part.get("source"))
    said = inner if isinstance(inner, Mapping) else part
    detail = said.get("detail") or _extras(part).get("detail")
    detail = detail if detail in get_args(Detail) else None
    url = inner if isinstance(inner, str) else said.get("url")
    data = said.get("base64") or said.get("data")
    if isinstance(url, str) and url.strip():
        return Given(url=url.strip(), detail=detail)
    if isinstance(data, str) and data:
        return Given(base64=data, detail=detail)
    raise ValueError("an image needs its https address or its data (a data URL, or base64)")


def read_block(part: _Json) -> dict[str, Any]:
    """A content block as a checked one, or with the address from which it has to be fetched.

    Raises:
        ValueError: As `given_in` and `Given.image`, or if its address is none of the web's.
    """
    given = given_in(part)
    if not given.is_remote:
        return given.image().block
    if not given.url.lower().startswith(("https://", "http://")):
        raise ValueError("an image is an https address, or a data URL `data:image/png;base64,…`")
    return {"type": "image", "url": given.url} | (
        {"extras": {"detail": given.detail}} if given.detail else {}
    )


def image_blocks(messages: Sequence[BaseMessage]) -> Iterator[_Json]:
    """Every image block of a conversation, in order."""
    for message in messages:
        if isinstance(message.content, list):
            yield from (cast("_Json", part) for part in message.content if is_image(part))


def images_in(messages: Sequence[BaseMessage]) -> tuple[Image, ...]:
    """The images of a conversation whose blocks were made by `Image.block`."""
    return tuple(Image.of_block(block) for block in image_blocks(messages))


def has_images(message: BaseMessage) -> bool:
    return next(image_blocks([message]), None) is not None


def digests(message: BaseMessage) -> list[str]:
    """The sha256 of each image of a message, of those that were checked."""
    return [str(_extras(block).get("sha256", "")) for block in image_blocks([message])]


def _extras(part: _Json) -> _Json:
    extras = part.get("extras")
    return extras if isinstance(extras, Mapping) else {}


def _data_of(url: str) -> str:
    head, comma, data = url.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise ValueError("write its data URL as `data:image/png;base64,…`")
    return data


def _decoded(text: str) -> bytes:
    if len(text) > 2 * MAX_BYTES:  # before it is copied
        raise ValueError(
            f"it has more than {MAX_BYTES // MIB} MiB, which is the most that is sent to a model; "
            "make it smaller"
        )
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("its data is no base64") from None


def _size(data: bytes) -> tuple[int | None, int | None]:
    """Width and height by the header; of a broken one None."""
    import imagesize

    try:
        width, height = imagesize.get(io.BytesIO(data), exif_rotation=False)
    except (ValueError, struct.error, IndexError, TypeError, OSError):
        return None, None
    return (width, height) if width > 0 and height > 0 else (None, None)
