"""What the user gave on the command line, as settings: only what was given, nothing filled in."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langgraph_fusion.graph.errors import ConfigError

NO_TOOLS = "none"

Given = dict[str, Any]


def given(
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
        settings["panel"] = split(panel)
    if tools:
        settings["tools"] = [] if split(tools) == [NO_TOOLS] else split(tools)
    if exclude:
        settings["exclude"] = split(exclude)
    for name, value in map(_assignment, assignments or ()):
        if name in settings:
            raise ConfigError(f"given twice; drop `--set {name}=…` or the option", field=name)
        settings[name] = value
    return settings


def split(values: Iterable[str]) -> list[str]:
    """`["a,b", "c"]` as `["a", "b", "c"]`."""
    parts = (part.strip() for value in values for part in value.split(","))
    return [part for part in parts if part]


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"--set {text}: write it as key=value, for example --set seed=7")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value
