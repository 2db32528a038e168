"""Variables from a file `.env`.

A `.env` in the working directory comes with whatever folder somebody works in, and may have been
written by a stranger. So it may set keys and a few plain settings, and nothing that names an
address, a file, a proxy or a certificate, because that decides who gets to see the keys. It is read
only if it belongs to the user and nobody else can write it. A file that the user names with
`--env-file` may set anything. In neither are `${…}` expanded, and a variable that is set already
stays as it is.

Not covered: a stranger's key in a `.env` lets its owner see the questions in his account;
therefore the command prints what a file has set.
"""

import io
import os
import stat
from collections.abc import Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from langgraph_fusion.graph.errors import ConfigError

DEFAULT = Path(".env")
_PLAIN_SETTINGS = frozenset(
    {"FUSION_KEEP_RUNS", "FUSION_RUNS_DAYS", "FUSION_RUNS_QUESTIONS", "FUSION_PARALLEL"}
)
_OURS = (
    "FUSION_", "OPENROUTER_", "TAVILY_", "SEARXNG_", "OLLAMA_", "LOCAL_", "OPENAI_", "VLLM_",
    "BRAVE_", "EXA_", "SERPER_", "GOOGLE_CSE_", "KAGI_",
)  # fmt: skip
_OBEYED = ("_PROXY", "_BASE_URL", "_HOST", "SSL_CERT_FILE", "SSL_CERT_DIR")
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class EnvFile:
    """What a file did."""

    path: Path
    set: tuple[str, ...] = ()
    """Variables that have their value from it."""
    ignored: tuple[str, ...] = ()
    """Variables of ours, or that name an address, which a `.env` may not set."""
    problem: str = ""
    """Why it was not read, or not wholly."""

    def notes(self) -> Iterator[str]:
        """What the user has to know about it."""
        if self.problem:
            yield f"{self.path}: {self.problem}"
        if self.set:
            yield f"{self.path} sets {', '.join(self.set)}"
        if self.ignored:
            yield (
                f"{self.path}: {', '.join(self.ignored)} ignored: from here only keys are taken; "
                f"export it, or use `fusion --env-file {self.path} …`"
            )


loaded_file: ContextVar[EnvFile | None] = ContextVar("fusion_env_file", default=None)
"""The file that was read for this command."""


def load_env_file(named: Path | None, env: MutableMapping[str, str] = os.environ) -> None:
    """Set variables from the file the user named, else from `.env`.

    Raises:
        ConfigError: If the named file cannot be read.
    """
    path = named or DEFAULT
    if named is None and not path.is_file():
        return  # also a folder of that name, which some call their virtual environment
    try:
        data = _read(path, whoever=named is not None)
    except _Unfit as unfit:
        if named is not None:
            raise ConfigError(f"{path}: {unfit}", field="--env-file") from None
        loaded_file.set(EnvFile(path, problem=str(unfit)))
        return
    loaded_file.set(_apply(path, _decode(data), env, allowed=None if named else _allowed()))


class _Unfit(Exception):
    """The file is not one to be read; the text says why."""


def _read(path: Path, *, whoever: bool) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise _Unfit(f"it cannot be read: {error.strerror}") from None
    with open(descriptor, "rb") as file:  # noqa: PTH123 - checked is what was opened
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _Unfit("it is not a plain file")
        if not whoever and hasattr(os, "geteuid"):
            _check_owner(found)
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise _Unfit(f"it is longer than {_MAX_BYTES // 1024} KB")
    return data


def _check_owner(found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise _Unfit("not read: it belongs to another user; use `fusion --env-file .env …`")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _Unfit("not read: others can write it; `chmod go-w .env`")


def _decode(data: bytes) -> str:
    """Read UTF-8, UTF-16 (which PowerShell writes), or what is left of Windows-1252."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        odd = data[1::2].count(0) >= data[0::2].count(0)
        return data.decode("utf-16-le" if odd else "utf-16-be", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _allowed() -> frozenset[str]:
    from langgraph_fusion.models.providers import providers
    from langgraph_fusion.tools.search.engines import search_keys

    keys = {one.key for one in providers().values() if one.key}
    return frozenset(keys | search_keys() | _PLAIN_SETTINGS)


def _apply(
    path: Path, text: str, env: MutableMapping[str, str], *, allowed: frozenset[str] | None
) -> EnvFile:
    values, bad_lines = _parse(text)
    given = [name for name in values if allowed is None or name in allowed]
    set_ = [name for name in given if values[name] and name not in env]
    for name in set_:
        env[name] = values[name]
    ignored = [name for name in values if name not in given and _matters(name)]
    lines = ", ".join(map(str, bad_lines))
    problem = f"line {lines} is no NAME=value, and was left out" if bad_lines else ""
    return EnvFile(path, tuple(set_), tuple(ignored), problem)


def _parse(text: str) -> tuple[Mapping[str, str], list[int]]:
    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    bad: list[int] = []
    for binding in parse_stream(io.StringIO(text)):
        value = (binding.value or "").strip()
        name = binding.key or ""
        if binding.error or not _can_be_set(name, value):
            bad.append(binding.original.line)
        elif name:
            values[name] = value
    return values, bad


def _can_be_set(name: str, value: str) -> bool:
    whole = name + value
    return "\0" not in whole and "\ufffd" not in whole and "=" not in name


def _matters(name: str) -> bool:
    return name.startswith(_OURS) or name.upper().endswith(_OBEYED)
