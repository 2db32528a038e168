"""Parse JSON from untrusted sources, as far as it can be read."""

from __future__ import annotations

import json
from typing import Any

from langgraph_fusion.models.text import well_formed

_MAX_MENDED = 100_000
_MAX_BRACKETS = 4_000
"""Of broken JSON that is worth mending: more than any model writes in one reply."""


def strict_json(text: str) -> Any:
    """Return the value of a JSON text; NaN and Infinity, which JSON does not have, are None.

    Raises:
        ValueError: If it is no JSON, or nested deeper than can be read.
    """
    try:
        return well_formed(_STRICT.decode(text))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def values_in(data: bytes) -> int:
    """Count the values of a JSON text, before a parser makes objects of them."""
    bare = data.replace(rb"\\", b"").replace(rb"\"", b"")
    outside = b"".join(bare.split(b'"')[::2])
    return sum(map(outside.count, (b",", b"[", b"{")))


def lenient_json(text: str) -> Any:
    """Return the value of a JSON text, repaired where it is broken; None if there is none."""
    try:
        return strict_json(text)
    except ValueError:
        return _mended(text)


def first_object(text: str) -> dict[str, Any] | None:
    """Return the first JSON object with members that stands in a text, whatever stands around it.

    Of several objects one after the other the first that has members counts.
    """
    at, empty = text.find("{"), None
    for _ in range(20):
        if at < 0:
            break
        try:
            found, end = _STRICT.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        if found:
            kept: dict[str, Any] = well_formed(found)
            return kept
        empty = found
        at = text.find("{", end)
    return empty


def read_arguments(given: Any) -> dict[str, Any]:
    """Return the arguments of a tool call, in whatever way a model or its server wrote them.

    An object, an object in a string (also twice encoded, in a list, with words around it, or
    broken); what holds no object are no arguments, so that the tool can say what is missing.
    """
    for _ in range(4):
        if isinstance(given, dict):
            kept: dict[str, Any] = well_formed(given)
            return kept
        if isinstance(given, list):
            given = next((one for one in given if isinstance(one, dict) and one), None)
        elif isinstance(given, str):
            given = _object_in(given.strip())
    return {}


def _object_in(text: str) -> Any:
    try:
        return strict_json(text)
    except ValueError:
        return first_object(text) or (_mended(text) if "{" in text else None)


def _mended(text: str) -> Any:
    from json_repair import loads

    brackets = sum(map(text.count, "{[("))
    if len(text) > _MAX_MENDED or not 0 < brackets <= _MAX_BRACKETS:
        return None
    try:
        return well_formed(loads(text))
    except (ValueError, RecursionError, IndexError, TypeError, AttributeError):
        return None  # a parser for anything is no parser for everything


def _nothing(constant: str) -> None:
    return None


_STRICT = json.JSONDecoder(parse_constant=_nothing)
