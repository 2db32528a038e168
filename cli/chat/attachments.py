"""Files and images of a conversation, by their names: what lies there now is what is sent."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.request.asked_images import question_with_images
from langgraph_fusion.graph.request.images import MAX_IMAGES, MAX_TOTAL_BYTES

NONE = "none"
"""Typed in the place of a name, it takes back what was given."""


def file_named(typed: str, given: Sequence[str]) -> str:
    """The whole path of a file that somebody typed, or dropped into the terminal.

    Raises:
        ConfigError: If there is none, or one of the same name is among those `given`.
    """
    path = _path(typed).resolve()
    if path.is_dir():
        raise ConfigError(f"{typed!r} is a folder; name its files, or search it with --docs")
    if not path.is_file():
        raise ConfigError(f"there is no file {typed!r}")
    for other in map(Path, given):
        if other.name == path.name and other != path:
            raise ConfigError(f"{str(other)!r} is given already under this name; rename one")
    return str(path)


def image_named(typed: str) -> str:
    """The whole path or the address of an image that somebody typed.

    Raises:
        ConfigError: If it cannot be read, or is none that may be sent.
    """
    if typed == "-":
        raise ConfigError("standard input holds the questions; name a file or an address")
    path = _path(typed)
    name = str(path.resolve()) if path.exists() else typed
    question_with_images("", [name])
    return name


def at_hand(files: Iterable[str]) -> tuple[list[str], list[str]]:
    """Those of the files that are still there, and those that are gone."""
    there: dict[bool, list[str]] = {True: [], False: []}
    for name in files:
        there[Path(name).is_file()].append(name)
    return there[True], there[False]


def latest_that_fit(images: Sequence[Sequence[str]]) -> list[list[str]]:
    """Of each turn's images those that are still there and, from the last turn back, in limits."""
    count, size = 0, 0
    fitting: list[list[str]] = []
    for of_turn in reversed(images):
        kept: list[str] = []
        for name in of_turn:
            bytes_ = _bytes_of(name)
            if bytes_ is None or count == MAX_IMAGES or size + bytes_ > MAX_TOTAL_BYTES:
                continue
            kept.append(name)
            count, size = count + 1, size + bytes_
        fitting.append(kept)
    return fitting[::-1]


def _bytes_of(name: str) -> int | None:
    """0 for an address, None for a file that is gone or is no image any more."""
    try:
        question_with_images("", [name])
    except ConfigError:
        return None
    return Path(name).stat().st_size if Path(name).is_file() else 0


def _path(typed: str) -> Path:
    """As it was typed, else as a shell reads it: terminals quote what is dropped into them."""
    if "\0" in typed:
        raise ConfigError(f"{typed!r} is no name of a file")
    try:
        words = shlex.split(typed)
    except ValueError:
        words = []
    given = Path(typed).expanduser()
    return given if len(words) != 1 or given.exists() else Path(words[0]).expanduser()
