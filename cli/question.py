"""Where the question comes from: the command line, a file or standard input."""

import sys
from pathlib import Path

from langgraph_fusion.graph.errors import ConfigError

_HOW = 'write it after `fusion ask`, name a file with -f, or pipe it in: `fusion ask "…"`'


def read_question(words: str | None, file: Path | None) -> str:
    """Return the question; `-` as words or file name means standard input.

    Raises:
        ConfigError: If there is none, there are two, or the file cannot be read.
    """
    if words is not None and file is not None:
        raise ConfigError("given on the command line and as a file; choose one", field="question")
    text = _text(words, file).strip()
    if not text:
        raise ConfigError(f"it is empty; {_HOW}", field="question")
    return text


def _text(words: str | None, file: Path | None) -> str:
    if words is not None and words != "-":
        return words
    if file is not None and str(file) != "-":
        return _file(file)
    if words is None and file is None and sys.stdin.isatty():
        raise ConfigError(f"there is none; {_HOW}", field="question")
    return _decoded(sys.stdin.buffer.read(), "standard input")


def _file(path: Path) -> str:
    try:
        return _decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", field="question") from None


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{name} is not UTF-8 text", field="question") from None
