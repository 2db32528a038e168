"""Where the user's own presets and prices are."""

import os
from pathlib import Path

from langgraph_fusion.graph.errors import ConfigError


def user_file(name: str, variable: str) -> Path | None:
    """The file that a variable names, else the one in the configuration folder, if any.

    Raises:
        ConfigError: If the variable names a file that does not exist.
    """
    if named := os.environ.get(variable):
        path = Path(named).expanduser()
        if not path.is_file():
            raise ConfigError(f"there is no file {named}", field=variable)
        return path
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    path = Path(config) / "langgraph-fusion" / name
    return path if path.is_file() else None
