"""The folder of `--out`: looked at before a run costs anything, and said after it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langgraph_fusion.cli.display.format import count
from langgraph_fusion.graph.errors import ConfigError

_SHOWN = 8


def check_out(folder: Path | None) -> None:
    """Refuse a folder to which nothing could be written, or that holds what an earlier run kept.

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


def kept_line(result: Mapping[str, Any], folder: Path) -> str:
    """`kept 2 files in results: A/plot.png, B/table.csv`."""
    paths = [Path(one["path"]) for one in result["files"]]
    if not paths:
        return f"no member left a file in /work/out, so there is none in {folder}"
    names = [str(path.relative_to(folder)) for path in paths[:_SHOWN]]
    more = [f"and {len(paths) - _SHOWN} more"] if len(paths) > _SHOWN else []
    return f"kept {count(len(paths), 'file')} in {folder}: {', '.join([*names, *more])}"
