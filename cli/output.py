"""The command's output: text and JSON on standard output, files, messages on standard error."""

import json
import logging
import os
import shutil
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from langgraph_fusion.cli import first_sign
from langgraph_fusion.graph.errors import ConfigError, RunFailed
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
    json_lines: bool = False
    """JSON stays on one line on a terminal too."""
    report: Path | None = None
    """Where to write the report of the run as well."""


def write(text: str) -> None:
    """Write text and a newline to standard output; a reader that has gone is no error.

    Raises:
        RunFailed: If it cannot be written, for example because the disk is full.
    """
    if sys.stdout is None:
        return  # closed on purpose; `check_stdout` refuses where that would lose an answer
    first_sign.clear()
    try:
        sys.stdout.write(clean_text(text).rstrip("\n") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
    except OSError as error:
        _drop_stdout()
        raise _not_written("standard output", error) from None


def check_stdout(save: Path | None) -> None:
    """Refuse, before a run costs anything, a standard output that cannot be written.

    Raises:
        ConfigError: If standard output is closed and no file is named.
    """
    if sys.stdout is None and save is None:
        raise ConfigError("standard output is closed; redirect it, or name a file with --save")


def write_json(value: Any, *, one_line: bool = False) -> None:
    """Write JSON to standard output: indented on a terminal, else on one line."""
    write(to_json(value, indent=2 if is_terminal(sys.stdout) and not one_line else None))


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return JSON that is safe to print."""
    return clean_json(json.dumps(value, ensure_ascii=False, indent=indent))


def say(text: str) -> None:
    """Write a message to standard error, on a terminal wrapped between words."""
    shown = clean_text(text)
    if is_terminal(sys.stderr):
        width = max(20, shutil.get_terminal_size().columns - 1)
        wrapped = (_wrap(line, width) for line in shown.splitlines())
        shown = "\n".join(wrapped)
    say_line(shown)


def say_line(text: str) -> None:
    """Write printable text to standard error as it is; do nothing if it is closed."""
    first_sign.clear()
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def is_terminal(stream: IO[Any] | None) -> bool:
    """Whether the stream is open and a terminal."""
    return stream is not None and stream.isatty()


def terminal() -> "Console":
    """A console on standard output that takes text as text: no markup, no emoji codes."""
    from rich.console import Console

    first_sign.clear()
    return Console(markup=False, emoji=False, highlight=False)


def captured(work: Callable[[], None]) -> str:
    """What `work` prints to `terminal()`, as text without colours."""
    held = StringIO()
    with redirect_stdout(held):
        work()
    return held.getvalue()


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
    check_file(path, "--save", _SAVED_AS)


def check_file(
    path: Path | None,
    option: str,
    endings: Mapping[str, str],
    *,
    taken: Path | None = None,
    taken_by: str = "",
) -> None:
    """Refuse a file that could not be written later; `endings` says what each ending stands for.

    Raises:
        ConfigError: If it has another ending, is the file of another option, or its folder cannot
            be written.
    """
    if path is None:
        return
    if path.suffix.lower() not in endings:
        kinds = " or ".join(f"{suffix} ({what})" for suffix, what in endings.items())
        raise ConfigError(f"{option} {path}: name a file that ends in {kinds}")
    if taken is not None and taken.resolve() == path.resolve():
        raise ConfigError(f"{option} {path}: {taken_by} writes there already; name another file")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigError(f"{option} {path}: it cannot be written; choose another folder")


def save(path: Path, answer: str, result: Any, *, option: str = "--save") -> None:
    """Write the answer or the full result, as the file's ending says.

    `option` is what the user typed to name the file.

    Raises:
        RunFailed: If it cannot be written; what was in the file before is still there.
    """
    text = to_json(result, indent=2) if path.suffix.lower() == ".json" else clean_text(answer)
    replace_file(option, path, text)


def replace_file(option: str, path: Path, text: str) -> None:
    """Write the file that an option names, after a run.

    Raises:
        RunFailed: If it cannot be written; what was in the file before is still there.
    """
    try:
        _replace(path, text.rstrip("\n") + "\n")
    except OSError as error:
        raise _not_written(f"{option} {path}", error) from None


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


def _replace(path: Path, text: str) -> None:
    """Write the whole file or nothing of it."""
    if path.exists() and (path.is_symlink() or not path.is_file()):
        path.write_text(text, "utf-8")  # a link or a device stays what it is
        return
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
        mode = path.stat().st_mode if path.exists() else 0o666 & ~_umask()
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _not_written(what: str, error: OSError) -> RunFailed:
    return RunFailed(f"{what}: it cannot be written: {error.strerror}", "output_failed")


def _drop_stdout() -> None:
    """Send standard output nowhere: Python flushes it once more at exit, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
