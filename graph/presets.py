"""Presets are data: `presets.toml` beside this file, and the user's own file.

The user's file is `$FUSION_PRESETS`, else `langgraph-fusion/presets.toml` in the user's
configuration folder. A preset there may start from another one with `extends = "budget"`.
"""

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from langgraph_fusion.graph.errors import ConfigError

DEFAULT_PRESET = "budget"
_Presets = dict[str, dict[str, Any]]
_NOT_SETTINGS = {"description", "extends", "judge_on_request"}


def preset_values(name: Any) -> dict[str, Any]:
    """Return the settings of a preset, `preset` itself included.

    Raises:
        ConfigError: If there is no such preset, or a user's file cannot be read.
    """
    whole = _whole(str(name), (), _all())
    values = {key: value for key, value in whole.items() if key not in _NOT_SETTINGS}
    return values | {"preset": str(name)}


def judge_on_request(name: Any) -> dict[str, Any]:
    """The judge of a preset without one, for a caller that asks for what only a judge can do.

    Empty for a preset that names none such. Raises as `preset_values`.
    """
    judge = _whole(str(name), (), _all()).get("judge_on_request")
    return {} if judge is None else {"judge": judge}


def needs_a_judge(given: Mapping[str, Any]) -> bool:
    """Whether somebody asks for what only a judge can do: rounds, an analysis, growth, verdicts."""
    return (
        given.get("max_rounds") not in (None, 0, "0")
        or given.get("mode") == "analysis"
        or given.get("panel_growth") == "adaptive"
        or given.get("verify") == "judge"
    )


def preset_descriptions() -> dict[str, str]:
    """Name and one-line description of every preset, the shipped ones first."""
    return {name: str(values.get("description", "")) for name, values in _all().items()}


def user_file(name: str, variable: str) -> Path | None:
    """The user's own file: the one that a variable names, else the one in the configuration folder.

    None if there is neither.

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


def _whole(name: str, seen: tuple[str, ...], presets: _Presets) -> dict[str, Any]:
    if name in seen:
        raise ConfigError(
            f"{' -> '.join((*seen, name))} extend each other in a circle", field="preset"
        )
    if name not in presets:
        known = ", ".join(presets)
        raise ConfigError(f"there is no {name!r}; choose one of {known}", field="preset")
    values = presets[name]
    base = _whole(values["extends"], (*seen, name), presets) if "extends" in values else {}
    if "judge" in values:
        base.pop("judge_on_request", None)
    elif needs_a_judge(values) and "judge_on_request" in base:
        base["judge"] = base["judge_on_request"]
    return base | values


def _all() -> _Presets:
    path = user_file("presets.toml", "FUSION_PRESETS")
    return _shipped() | (_users(path) if path else {})


@cache
def _shipped() -> _Presets:
    text = files("langgraph_fusion.graph").joinpath("presets.toml").read_text("utf-8")
    return tomllib.loads(text)


def _users(path: Path) -> _Presets:
    try:
        presets = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", field="presets") from error
    for name, values in presets.items():
        if not isinstance(values, dict):
            raise ConfigError(
                f"{path}: {name!r} is not a table; write [{name}] above it", field="presets"
            )
    return presets
