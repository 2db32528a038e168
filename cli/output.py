"""What leaves the command: text and JSON on standard output, files, messages on standard error."""

import json
import logging
import os
import shutil
import sys
import textwrap
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.models.text import clean_json, clean_text

if TYPE_CHECKING:
    from rich.console import Console

_SAVED_AS = {".md": "the answer", ".json": "the full result"}


@dataclass(frozen=True)
class OutputOptions:
    """How a run is to be shown, and where its result goes."""

    as_json: bool = False
    save: Path | None = None
    """Where to write the answer or the full result as well."""
    quiet: bool = False
    verbose: bool = False
    out: Path | None = None
    """Folder of the files that members leave."""


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
    write(to_json(value, indent=2 if sys.stdout.isatty() else None))


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return JSON that is safe to print."""
    return clean_json(json.dumps(value, ensure_ascii=False, indent=indent))


def say(text: str) -> None:
    """Write a message to standard error, on a terminal wrapped between words."""
    shown = clean_text(text)
    if sys.stderr.isatty():
        width = max(20, shutil.get_terminal_size().columns - 1)
        wrapped = (_wrap(line, width) for line in shown.splitlines())
        shown = "\n".join(wrapped)
    print(shown, file=sys.stderr, flush=True)


def terminal() -> "Console":
    """A console on standard output that takes text as text: no markup, no emoji codes."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False)


def silence_libraries(*, verbose: bool) -> None:
    """Drop log lines and warnings of libraries; with `verbose` they go to standard error."""
    logging.basicConfig(level=logging.INFO if verbose else logging.CRITICAL + 1)
    if not verbose:
        warnings.simplefilter("ignore")


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
    text = to_json(result, indent=2) if path.suffix == ".json" else clean_text(answer)
    path.write_text(text.rstrip("\n") + "\n", "utf-8")


def write_file(option: str, path: Path, text: str) -> None:
    """Write the file that an option names.

    Raises:
        ConfigError: If it cannot be written.
    """
    try:
        path.write_text(text.rstrip("\n") + "\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"{option} {path}: it cannot be written: {error.strerror}") from None


def check_out(folder: Path | None) -> None:
    """Refuse a folder of `--out` that cannot be written, or that holds what an earlier run kept.

    Raises:
        ConfigError: Naming what is in the way.
    """
    if folder is None:
        return
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--out {folder}: this is a file; name a folder")
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(f"--out {folder}: {there} cannot be written; choose another folder")
    if earlier := next(folder.glob("[A-H]/*"), None):
        raise ConfigError(
            f"--out {folder}: {earlier} is there already, and nothing is written over; "
            "name another folder, or move it away"
        )


def _wrap(line: str, width: int) -> str:
    return textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
