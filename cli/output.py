"""What leaves the command: text and JSON on standard output, files, words on standard error."""

import json
import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.models.text import clean_json, clean_text

if TYPE_CHECKING:
    from rich.console import Console

_SAVED_AS = {".md": "the answer", ".json": "the full result"}


def write(text: str) -> None:
    """Write text and a newline to standard output; a reader that has gone is no error."""
    try:
        sys.stdout.write(clean_text(text).rstrip("\n") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output once more at exit, and would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_json(value: Any) -> None:
    """Write JSON to standard output: indented on a terminal, else on one line."""
    write(as_json(value, indent=2 if sys.stdout.isatty() else None))


def as_json(value: Any, *, indent: int | None = None) -> str:
    return clean_json(json.dumps(value, ensure_ascii=False, indent=indent))


def say(text: str) -> None:
    """Write a message to standard error, on a terminal wrapped between words."""
    shown = clean_text(text)
    if sys.stderr.isatty():
        width = max(20, shutil.get_terminal_size().columns - 1)
        wrapped = (_wrapped(line, width) for line in shown.splitlines())
        shown = "\n".join(wrapped)
    print(shown, file=sys.stderr, flush=True)


def _wrapped(line: str, width: int) -> str:
    return textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)


def terminal() -> "Console":
    """A console on standard output that takes text as text: no markup, no emoji codes."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False)


def check_save(path: Path | None) -> None:
    """Refuse, before a run costs anything, a file that could not be written after it.

    Raises:
        ConfigError: If its ending says no format or its folder cannot be written.
    """
    if path is None:
        return
    if path.suffix not in _SAVED_AS:
        kinds = " or ".join(f"{suffix} ({what})" for suffix, what in _SAVED_AS.items())
        raise ConfigError(f"--save {path}: name a file that ends in {kinds}")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigError(f"--save {path}: it cannot be written; choose another folder")


def save(path: Path, answer: str, result: Any) -> None:
    """Write the answer or the full result, as the file's ending says."""
    text = as_json(result, indent=2) if path.suffix == ".json" else clean_text(answer)
    path.write_text(text.rstrip("\n") + "\n", "utf-8")
