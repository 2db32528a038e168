"""The schema of a tool's arguments, as every provider takes it.

A schema is the server's own and as little trusted as a web page. One that a provider refuses would
cost its member every call, so such a tool is left out.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from langgraph_fusion.models.text import one_line, well_formed

Json = dict[str, Any]

MAX_SCHEMA = 6000
"""Characters of JSON: every call of a member sends them."""
_MAX_LEVELS = 12
_SHOWN = 60
_PROPERTY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What Anthropic takes as the name of an argument."""
_NOT_AT_THE_TOP = ("anyOf", "oneOf", "allOf", "not", "enum", "if")
"""OpenAI and Anthropic refuse a tool whose arguments begin with one of these."""
_WORDS_OF_A_SCHEMA = ("description", "title", "examples", "example", "$comment", "default")


class UnfitSchema(ValueError):
    """No provider would take it; the text says why."""


def parameters_of(given: Any) -> Json:
    """The schema of the arguments.

    Raises:
        UnfitSchema: If no provider would take it.
    """
    schema: Json = {"type": "object", "properties": {}} | well_formed(given, _MAX_LEVELS + 2)
    _check_shape(schema)
    if len(_text(schema)) > MAX_SCHEMA:
        schema = _without_words(schema)
    if len(_text(schema)) > MAX_SCHEMA:
        raise UnfitSchema(f"its arguments take more than {MAX_SCHEMA} characters to describe")
    return {key: value for key, value in schema.items() if key != "$schema"}


def _check_shape(schema: Json) -> None:
    from jsonschema import Draft202012Validator, SchemaError

    if schema["type"] != "object" or not isinstance(schema["properties"], dict):
        raise UnfitSchema("its arguments are no object")
    if found := [word for word in _NOT_AT_THE_TOP if word in schema]:
        raise UnfitSchema(f"its arguments begin with `{found[0]}`, which models' providers refuse")
    if _levels(schema) > _MAX_LEVELS:
        raise UnfitSchema(f"its arguments are nested deeper than {_MAX_LEVELS} levels")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        raise UnfitSchema("its arguments are described by no valid JSON schema") from None
    for word, value in _members(schema):
        _check_member(schema, word, value)


def _check_member(schema: Json, word: str, value: Any) -> None:
    if word == "$ref" and not (isinstance(value, str) and _leads_inside(schema, value)):
        raise UnfitSchema("its arguments refer to a schema that is not there, or to itself")
    if word == "properties" and isinstance(value, dict):
        for name in value:
            if not _PROPERTY.fullmatch(name):
                raise UnfitSchema(f"an argument is called `{one_line(name)[:_SHOWN]}`")


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    """Every member of every object in it."""
    if isinstance(value, dict):
        yield from value.items()
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from _members(one)


def _leads_inside(schema: Json, reference: str) -> bool:
    """Whether a reference leads to a definition in the schema that does not hold it itself."""
    path, place = reference.removeprefix("#/").split("/"), schema
    for part in path:
        if not reference.startswith("#/") or not isinstance(place, dict) or part not in place:
            return False
        place = place[part]
    return not any(word == "$ref" and value == reference for word, value in _members(place))


def _levels(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_levels(one) for one in inner), default=0)


def _without_words(value: Any, *, names: bool = False) -> Any:
    """A schema without what only explains it; `names` says that the keys are arguments' names."""
    if isinstance(value, list):
        return [_without_words(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_words(one, names=not names and key in ("properties", "$defs", "definitions"))
        for key, one in value.items()
        if names or key not in _WORDS_OF_A_SCHEMA
    }


def _text(schema: Json) -> str:
    return json.dumps(schema, ensure_ascii=False)
