"""What an operator says of one MCP server: how it is reached, what it may offer, its limits.

Values of variables are looked up when the server is started and are in no settings, log or record.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from langgraph_fusion.sandbox.network.web_url import web_url

SERVER_NAME = r"[A-Za-z](?:[A-Za-z0-9-]|_(?=[A-Za-z0-9-])){0,23}"
"""Without `__` and no `_` at its end, so that `server__tool` can be read in one way only."""
GROUP = "mcp:"
"""Begins the entries of a `tools` setting that mean a server's tools."""
_ENTRY = re.compile(rf"{GROUP}({SERVER_NAME})(?:/(.{{1,128}}))?")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_HEADER = re.compile(r"authorization|cookie|key|token|secret", re.I)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_SECRET = 6
"""Characters: a shorter value is no key, and would be found everywhere."""

_Short = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class ServerSettings(BaseModel):
    """One server: `command` for a process of its own, or `url` for one that is reached by HTTP."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    command: _Short | None = None
    """A program: a name that is in PATH, or a whole path; never one of the present folder."""
    args: tuple[_Short, ...] = ()
    env: dict[str, str] = {}
    """Variables of the process, each by the name of the one of ours that holds its value.

    A list of names passes these on under their own names. PATH, HOME and the like are always
    there, keys of providers never unless they are named.
    """
    cwd: str | None = None
    """Where the process works, a whole path; left out, the home folder, not the present one."""
    url: _Short | None = None
    """Address of the Streamable HTTP endpoint; `${NAME}` is the value of a variable."""
    headers: dict[str, str] = {}
    """Sent with every request; `${NAME}` is the value of a variable."""
    tools: tuple[_Short, ...] | None = None
    """The tools that may be used, by the server's own names; left out, all."""
    timeout_s: float = Field(default=30.0, gt=0, le=600)
    """Seconds that one call may take."""
    start_timeout_s: float = Field(default=30.0, gt=0, le=600)
    """Seconds until the server must have started and said which tools it has."""
    max_chars: int = Field(default=12_000, ge=200, le=200_000)
    """Characters that are shown of one result."""

    @field_validator("env", mode="before")
    @classmethod
    def _names_as_table(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            return {str(name): str(name) for name in value}
        return value

    @field_validator("env")
    @classmethod
    def _names_only(cls, value: dict[str, str]) -> dict[str, str]:
        for name, ours in value.items():
            if not (_VARIABLE.fullmatch(name) and _VARIABLE.fullmatch(ours)):
                raise ValueError(  # without the value, which may be a key
                    f"{name[:64]}: name the variable that holds the value, not the value itself"
                )
        return value

    @field_validator("headers")
    @classmethod
    def _secrets_by_reference(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not _HEADER_NAME.fullmatch(name) or not text.isprintable():
                raise ValueError(f"{name[:64]!r} is no header, or its value holds a line break")
            if _SECRET_HEADER.search(name) and not _REFERENCE.search(text):
                raise ValueError(f"{name[:64]}: write `${{NAME}}` for the variable with its value")
        return value

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                web_url(_REFERENCE.sub("x", value))
            except ValueError:
                raise ValueError("it is no http:// or https:// address") from None
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("give either a command or a url")
        mixed = (self.headers,) if self.command is not None else (self.args, self.env, self.cwd)
        if any(mixed):
            raise ValueError("headers belong to a url; args, env and cwd belong to a command")
        if self.command is not None and not _is_a_program(self.command):
            raise ValueError("command: write a name that is in PATH, or the whole path")
        if self.cwd is not None and not Path(self.cwd).expanduser().is_absolute():
            raise ValueError("cwd: write the whole path")
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of our variables whose values the server gets."""
        texts = (self.url or "", *self.headers.values())
        referred = (name for text in texts for name in _REFERENCE.findall(text))
        return tuple(dict.fromkeys([*self.env.values(), *referred]))

    def missing(self, env: Mapping[str, str] = os.environ) -> tuple[str, ...]:
        """Names of variables that are not set."""
        return tuple(name for name in self.variables if not env.get(name, "").strip())

    def with_values(self, text: str, env: Mapping[str, str] = os.environ) -> str:
        """The text with the values of its variables."""
        return _REFERENCE.sub(lambda found: env.get(found[1], "").strip(), text)

    def without_values(self, text: str, env: Mapping[str, str] = os.environ) -> str:
        """The text without the values that the server was given, which it may repeat."""
        for name in self.variables:
            if len(value := env.get(name, "").strip()) >= _SECRET:
                text = text.replace(value, "[hidden]")
        return text

    def program(self, env: Mapping[str, str] = os.environ) -> str | None:
        """The whole path of the command; None if there is no such program."""
        assert self.command is not None
        return shutil.which(str(Path(self.command).expanduser()), path=search_path(env))


def search_path(env: Mapping[str, str] = os.environ) -> str:
    """PATH without its relative parts, which would be looked up in the present folder."""
    parts = env.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(part for part in parts if Path(part).is_absolute())


def split_entry(entry: str) -> tuple[str, str | None]:
    """Server and tool of an entry such as `mcp:files` or `mcp:files/read_file`.

    Raises:
        ValueError: If it is none.
    """
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise ValueError("write mcp:SERVER, or mcp:SERVER/TOOL")
    return found[1], found[2]


def entries_in(groups: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Server and tool of every entry that means a server's tools."""
    return (split_entry(group) for group in groups if group.startswith(GROUP))


def servers_in(groups: Iterable[str]) -> tuple[str, ...]:
    """Names of the servers that are meant, each once."""
    return tuple(dict.fromkeys(server for server, _ in entries_in(groups)))


def _is_a_program(command: str) -> bool:
    return Path(command).expanduser().is_absolute() or not re.search(r"[/\\]", command)
