"""A word on the terminal before anything is loaded, written over by whatever comes next.

It stands on a line that is not ended, with the cursor at its beginning, so that even what is
printed by a library that knows nothing of it takes its place.
"""

import os
import sys
from contextlib import suppress

_SIGN = "fusion: starting …"
_COMMANDS = ("ask", "resume")
"""Those that load a deliberation."""
_SILENT = frozenset({"-q", "--quiet", "-h", "--help"})
_ERASE = f"{' ' * len(_SIGN)}\r"

_shown = False


def show(words: list[str]) -> None:
    """Say that a deliberation is being loaded, if that is so and standard error is a terminal."""
    global _shown
    quiet = not _SILENT.isdisjoint(words) or not any(one in words for one in _COMMANDS)
    if quiet or sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return
    _shown = True
    _write(f"{_SIGN}\r")


def clear() -> None:
    """Erase it, if it is still there."""
    global _shown
    if _shown:
        _shown = False
        _write(_ERASE)


def _write(text: str) -> None:
    with suppress(OSError, UnicodeError):
        sys.stderr.write(text)
        sys.stderr.flush()
