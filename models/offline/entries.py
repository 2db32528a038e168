"""Reads the lists of an Analysis that may hold anything: what does not fit is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

Entry = dict[str, Any]


def entries(analysis: Mapping[str, Any], name: str) -> list[Entry]:
    """Return the objects of a list."""
    return [cast("Entry", each) for each in _listed(analysis, name) if isinstance(each, dict)]


def strings(entry: Mapping[str, Any], name: str) -> list[str]:
    """Return the strings of a list."""
    return [each for each in _listed(entry, name) if isinstance(each, str)]


def _listed(entry: Mapping[str, Any], name: str) -> list[object]:
    found = entry.get(name)
    return cast("list[object]", found) if isinstance(found, list) else []
