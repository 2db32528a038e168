"""Names of files that strangers send: what is left of them can be shown, quoted and written."""

import unicodedata
from collections.abc import Collection
from pathlib import PurePosixPath

from langgraph_fusion.sandbox.base import SandboxFileError
from langgraph_fusion.sandbox.files import safe_name

_MOST_BYTES = 120
"""Of a name, its ending included."""
_ENDING_CHARS = 12
_RESERVED = frozenset({"docs", "out", ".docs.tar"})
"""What stands in a sandbox's work directory already."""


def clean_name(sent: str, number: int, suffix: str = "") -> str:
    """A plain name for what was sent as `sent`: no path, no invisible or control characters.

    Where nothing is left of it, `file-<number>` with the ending of its kind.
    """
    last = PurePosixPath(sent.replace("\\", "/").rstrip("/")).name
    text = unicodedata.normalize("NFC", last)
    text = text.translate({ord("["): "(", ord("]"): ")"})  # in brackets stand citations
    text = "".join(one if _is_plain(one) else " " if one.isspace() else "_" for one in text)
    text = " ".join(text.split()).strip(" .-+=@,")
    stem, ending = _parted(text)
    stem = _shortened(stem, _MOST_BYTES - len(ending.encode()))
    text = f"{stem}{ending}"
    if not stem.strip("_ "):
        return f"file-{number}{ending or suffix}"
    return text if _is_plain_name(text) else f"file-{number}-{text}"[:_MOST_BYTES]


def unique_name(name: str, taken: Collection[str]) -> str:
    """The name, with a number before its ending where it is taken; capitals make no difference."""
    used = {one.casefold() for one in (*taken, *_RESERVED)}
    stem, ending = _parted(name)
    number, found = 1, name
    while found.casefold() in used:
        number += 1
        found = f"{stem}-{number}{ending}"
    return found


def _parted(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or len(ending) > _ENDING_CHARS or " " in ending:
        return name, ""
    return stem, f".{ending}"


def _shortened(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore").rstrip()


def _is_plain(character: str) -> bool:
    return _is_plain_name(f"a{character}a")


def _is_plain_name(name: str) -> bool:
    try:
        safe_name(name)
    except (SandboxFileError, UnicodeEncodeError):
        return False
    return True
