"""What the user gave on the command line: the question, and only those settings that were given."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from langgraph_fusion.graph.errors import ConfigError

NO_TOOLS = "none"
STDIN = "-"
_MOST_STDIN = 64 << 20
"""Bytes of an image that are read; how many it may have is checked where all images are."""
_OPENS_JSON = ("{", "[", '"')
_SHOWN = 200
_HOW = 'write it after `fusion ask`, name a file with -f, or pipe it in: `fusion ask "…"`'

Given = dict[str, Any]
"""Settings by name, as `load_settings` takes them."""


def given_settings(
    options: Mapping[str, Any],
    *,
    panel: Sequence[str] | None = None,
    tools: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    assignments: Sequence[str] | None = None,
) -> Given:
    """Collect options that have a value; `assignments` are `key=value` pairs of any other setting.

    Raises:
        ConfigError: If an assignment cannot be read or a setting is given twice.
    """
    settings = {name: value for name, value in options.items() if value is not None}
    if panel:
        settings["panel"] = split_list(panel)
    if tools:
        settings["tools"] = [] if split_list(tools) == [NO_TOOLS] else split_list(tools)
    if exclude:
        settings["exclude"] = split_list(exclude)
    for name, value in map(_assignment, assignments or ()):
        if name in settings:
            raise ConfigError(f"given twice; drop `--set {name}=…` or the option", field=name)
        settings[name] = value
    return settings


def split_list(values: Iterable[str]) -> list[str]:
    """`["a,b", "c"]` as `["a", "b", "c"]`."""
    parts = (part.strip() for value in values for part in value.split(","))
    return [part for part in parts if part]


def check_quotes(command: str, first: str | None, further: Sequence[str]) -> None:
    """Refuse a question whose words the shell has taken apart.

    Raises:
        ConfigError: With the question as it has to be written.
    """
    if first is not None and further:
        whole = " ".join([first, *further])
        shown = whole if len(whole) <= _SHOWN else f"{whole[:_SHOWN]}…"
        raise ConfigError(f'put it in quotes: fusion {command} "{shown}"', field="question")


def read_question(words: str | None, file: Path | None) -> str:
    """Return the question; `-` as words or file name means standard input.

    Raises:
        ConfigError: If there is none, there are two, or the file cannot be read.
    """
    if words is not None and file is not None:
        raise ConfigError("given on the command line and as a file; choose one", field="question")
    text = _question_text(words, file).strip()
    if not text:
        raise ConfigError(f"it is empty; {_HOW}", field="question")
    return text


def check_stdin(words: str | None, file: Path | None, images: Sequence[str]) -> None:
    """Refuse to read two things from standard input.

    Raises:
        ConfigError: Naming the way out.
    """
    from_stdin = words == "-" or str(file) == "-" or (words is None and file is None)
    if images.count(STDIN) + from_stdin > 1 and STDIN in images:
        raise ConfigError(
            "standard input holds one thing: write the question on the command line or name its "
            "file with -f, and give one image as `-`",
            field="image",
        )


def read_images(given: Sequence[str]) -> list[str | bytes]:
    """The images as they are named, with the bytes of standard input in the place of `-`."""
    return [_image_from_stdin() if one == STDIN else one for one in given]


def _image_from_stdin() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise ConfigError(
            "standard input holds no image; pipe one in, or name a file", field="image"
        )
    return sys.stdin.buffer.read(_MOST_STDIN)


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"--set {text}: write it as key=value, for example --set seed=7")
    try:
        return name.strip(), json.loads(value)
    except ValueError as error:
        if value.lstrip().startswith(_OPENS_JSON):
            raise ConfigError(
                f"--set {name.strip()}: the value begins like JSON and is none ({error}); put it "
                'in single quotes, as in --set \'judge={"model": "a/b"}\''
            ) from None
        return name.strip(), value
    except RecursionError:
        raise ConfigError(f"--set {name.strip()}: the value is nested too deeply") from None


def _question_text(words: str | None, file: Path | None) -> str:
    if words is not None and words != "-":
        return words
    if file is not None and str(file) != "-":
        return _from_file(file)
    if sys.stdin is None:
        raise ConfigError(f"standard input is closed; {_HOW}", field="question")
    if words is None and file is None and sys.stdin.isatty():
        raise ConfigError(f"there is none; {_HOW}", field="question")
    return _decode(sys.stdin.buffer.read(), "standard input")


def _from_file(path: Path) -> str:
    try:
        return _decode(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", field="question") from None


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{name} is not UTF-8 text", field="question") from None
