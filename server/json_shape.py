"""How many values a body's JSON has, and how deeply they are nested, counted as its bytes come.

A parser takes gigabytes and tens of seconds for eight megabytes of brackets; counting costs one
pass over each piece, and what has too many is refused before the rest of it has come.
"""

from starlette.exceptions import HTTPException

MAX_VALUES = 100_000
"""Commas and opening brackets outside of texts."""
MAX_DEPTH = 100
_MAX_QUOTES = 4 * MAX_VALUES
_BRACKETS = b"[]{}"
_OTHERS = bytes(one for one in range(256) if one not in _BRACKETS)
_STEP = 1 << 16


class JsonShape:
    """Counts one body, piece by piece; texts may have any length and anything in them."""

    def __init__(self) -> None:
        self._values = self._depth = self._quotes = 0
        self._in_text = False
        self._is_escaped = False

    def add(self, data: bytes) -> None:
        """Count a piece of it.

        Raises:
            HTTPException: 400, if it has too many values, is nested too deeply, or is no UTF-8.
        """
        for start in range(0, len(data), _STEP):
            self._add(data[start : start + _STEP])

    def _add(self, piece: bytes) -> None:
        if b"\0" in piece:
            raise HTTPException(400, "body: it cannot be read; send JSON in UTF-8")
        outside = self._outside_of_texts(self._without_escapes(piece))
        opened = outside.count(b"[") + outside.count(b"{")
        self._values += outside.count(b",") + opened
        if self._values > MAX_VALUES or self._quotes > _MAX_QUOTES:
            raise HTTPException(400, f"body: it has more than {MAX_VALUES} values; send fewer")
        if self._depth + opened > MAX_DEPTH:
            self._follow(outside)
        else:
            self._depth += opened - outside.count(b"]") - outside.count(b"}")

    def _without_escapes(self, piece: bytes) -> bytes:
        """The piece without escaped quotes and backslashes, so that each quote is a text's end."""
        if self._is_escaped:
            piece = piece[1:]
        even = piece.replace(rb"\\", b"")
        self._is_escaped = even.endswith(b"\\")
        return even.replace(rb"\"", b"")

    def _outside_of_texts(self, piece: bytes) -> bytes:
        parts = piece.split(b'"')
        outside = b"".join(parts[self._in_text :: 2])
        self._quotes += len(parts) - 1
        self._in_text ^= len(parts) % 2 == 0
        return outside

    def _follow(self, outside: bytes) -> None:
        for bracket in outside.translate(None, _OTHERS):
            self._depth += 1 if bracket in b"[{" else -1
            if self._depth > MAX_DEPTH:
                raise HTTPException(400, f"body: it is nested more than {MAX_DEPTH} levels deep")
