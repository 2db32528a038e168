"""The operator's tool servers: `mcp.toml` in the user's configuration folder, or `$FUSION_MCP`.

Its tables start programs and hand over keys, so it is read only if it belongs to the user (or to
root) and nobody else can write it. No file of the folder `fusion` is called in is ever read for it.
"""

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.presets import user_file
from langgraph_fusion.graph.settings import FusionSettings, load_settings
from langgraph_fusion.tools.mcp.settings import (
    GROUP,
    SERVER_NAME,
    ServerSettings,
    entries_in,
    servers_in,
    split_entry,
)

VARIABLE = "FUSION_MCP"
_FILE = "mcp.toml"
_MAX_BYTES = 256 * 1024
_MAX_SERVERS = 32


def configured_servers() -> dict[str, ServerSettings]:
    """Every server of the file, by name; empty without a file.

    Raises:
        ConfigError: If the file cannot be trusted or read, naming each wrong field; never a value.
    """
    path = user_file(_FILE, VARIABLE)
    if path is None:
        return {}
    tables = _tables(path)
    if len(tables) > _MAX_SERVERS:
        raise ConfigError(f"{path}: at most {_MAX_SERVERS} servers can be configured")
    return {name: _server(path, name, table) for name, table in tables.items()}


def chosen_servers(groups: Iterable[str]) -> dict[str, ServerSettings]:
    """The servers that `tools` settings mean.

    Raises:
        ConfigError: If one is not configured, a variable of it is not set, or the extra is missing.
    """
    names = servers_in(groups)
    if not names:
        return {}
    configured = configured_servers()
    wrong = [_unknown(name, configured) for name in names if name not in configured]
    chosen = {name: configured[name] for name in names if name in configured}
    for name, server in chosen.items():
        wrong += [
            ConfigError(
                f"{variable} is not set, and the tool server {name} needs it", field="tools"
            )
            for variable in server.missing()
        ]
    if why := missing_extra():
        wrong.append(ConfigError(why, field="tools"))
    if wrong:
        raise ConfigError.joined(wrong)
    return chosen


def check_widens_nothing(settings: FusionSettings, base: Mapping[str, Any] | None = None) -> None:
    """Refuse servers' tools that a client names and its preset does not give to any seat.

    `base` is what the operator chose: a client may choose fewer, and another seat for them.

    Raises:
        ConfigError: Naming what the client may not have.
    """
    asked = [one for one in settings.tool_groups if one.startswith(GROUP)]
    if not asked:
        return
    given = load_settings({"preset": settings.preset, **(base or {})}).tool_groups
    permitted = {*entries_in(given)}
    for entry in asked:
        server, tool = split_entry(entry)
        if not {(server, None), (server, tool)} & permitted:
            raise ConfigError(
                f"`{entry}`: only the operator of this server may give it, in a preset; leave it "
                "out",
                field="tools",
            )


def missing_extra() -> str | None:
    """Why no server can be spoken to here, and the way out; None if one can."""
    from importlib.util import find_spec

    if find_spec("mcp") and find_spec("langchain_mcp_adapters"):
        return None
    return "MCP servers need an extra: `pip install 'langgraph-fusion[mcp]'`"


def _unknown(name: str, configured: Mapping[str, ServerSettings]) -> ConfigError:
    way = (
        f"in {_FILE} there are {', '.join(configured)}"
        if configured
        else f"write its table to ~/.config/langgraph-fusion/{_FILE}, or to the file that "
        f"{VARIABLE} names"
    )
    return ConfigError(f"no tool server `{name}` is configured; {way}", field="tools")


def _tables(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            text = file.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            raise ConfigError(f"{path} is longer than {_MAX_BYTES // 1024} KB", field=_FILE)
        return tomllib.loads(text.decode())
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        where = re.search(r"\(at .*\)", str(error))  # a text of the parser may quote the file
        why = (
            getattr(error, "strerror", None) or f"it is no TOML {where[0] if where else ''}".strip()
        )
        raise ConfigError(f"{path} cannot be read: {why}", field=_FILE) from None


def _check_owner(path: Path, found: os.stat_result) -> None:
    if not hasattr(os, "geteuid"):
        return
    if found.st_uid not in (os.geteuid(), 0):
        raise ConfigError(f"{path} belongs to another user and is not read", field=_FILE)
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(f"{path}: others can write it; `chmod go-w {path}`", field=_FILE)


def _server(path: Path, name: str, table: Any) -> ServerSettings:
    if not re.fullmatch(SERVER_NAME, name):
        raise ConfigError(
            f"{path}: {name[:64]!r} is no name of a server; take up to 24 letters, digits, `-` and "
            "single `_`, beginning with a letter and not ending with `_`",
            field=_FILE,
        )
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: write [{name}] above it", field=_FILE)
    try:
        return ServerSettings.model_validate(table)
    except ValidationError as error:
        found = ConfigError.from_validation(error, ServerSettings.model_fields)
        lines = [f"{path}: [{name}] {line}" for line in str(found).splitlines()]
        raise ConfigError("\n".join(lines), field=_FILE) from None
