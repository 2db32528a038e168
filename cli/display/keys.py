"""Bytes from a terminal's keyboard as keys: a printable character is itself, others have a name."""

import codecs
import re
from collections.abc import Iterator

ENTER, ESCAPE, BACKSPACE, CLEAR = "enter", "escape", "backspace", "clear"

_NAMED = {
    "\r": ENTER, "\n": ENTER, "\x1b": ESCAPE, "\x7f": BACKSPACE, "\x08": BACKSPACE, "\x15": CLEAR,
}  # fmt: skip
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])")
"""What arrow and function keys send: ECMA-48's control sequences, and `ESC O` with a letter."""
_BEGINNING = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")


class Keys:
    """Takes bytes as they come, in pieces of any size; arrow and function keys do nothing."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._held = ""

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the keys that are complete; an escape that ends the data waits for more."""
        self._held += self._decoder.decode(data)
        while self._held and not _BEGINNING.match(self._held):
            sequence = _SEQUENCE.match(self._held)
            key, self._held = self._cut(sequence.end() if sequence else 1)
            if name := _NAMED.get(key, key if key.isprintable() else ""):
                yield name

    @property
    def waits(self) -> bool:
        """Whether an escape is held that may be a key of its own."""
        return bool(self._held)

    def flush(self) -> Iterator[str]:
        """Yield the escape that nothing has followed."""
        key, self._held = self._cut(len(self._held))
        if key == "\x1b":
            yield ESCAPE

    def _cut(self, at: int) -> tuple[str, str]:
        return self._held[:at], self._held[at:]
