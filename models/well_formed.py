"""Text that can be encoded: JSON can carry half a character, which nothing after it can write."""

from typing import Any


def well_formed(value: Any) -> Any:
    """Return a JSON-able value; of two halves one character, of a lone one U+FFFD."""
    if isinstance(value, str):
        return value if _encodes(value) else _joined(value)
    if isinstance(value, dict):
        return {well_formed(key): well_formed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [well_formed(inner) for inner in value]
    return value


def _encodes(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _joined(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
