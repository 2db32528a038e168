"""The form a caller wants the answer in: JSON, perhaps of a schema. Asked for, then enforced.

A schema comes from a client. It may not lead anywhere (`$ref` stays inside), is of limited size,
and its patterns have limited time.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import islice
from typing import Any

from langgraph_fusion.models.faults import Fault

_MAX_SCHEMA_CHARS = 100_000
_PATTERN_S = 0.2
_CHECK_S = 1.0
"""CPU time for a whole check, however many references and patterns are in it."""
_REFERENCES = ("$ref", "$dynamicRef")
_MAX_ERRORS = 12
"""Errors sent back at once: a text with more is wrong as a whole."""

Form = Mapping[str, Any]
"""OpenAI's `response_format`: `json_object`, or `json_schema` with its schema."""


class WrongForm(Exception):
    """The text is not in the form; `errors` go back to the writer."""

    def __init__(self, text: str, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.text = text
        self.errors = errors

    @property
    def fault(self) -> Fault:
        return Fault("bad_response", f"not in the form asked for: {self}"[:300])


def check_form(form: Form) -> None:
    """Raise ValueError, naming what is wrong, if a text cannot be checked against this form."""
    kind = form.get("type")
    if kind not in ("json_object", "json_schema"):
        raise ValueError(f"type {kind!r}: write json_schema or json_object")
    if kind == "json_object":
        return
    schema = (form.get("json_schema") or {}).get("schema")
    if not isinstance(schema, dict):
        raise ValueError("json_schema.schema is missing: give a JSON schema object")
    if len(json.dumps(schema)) > _MAX_SCHEMA_CHARS:
        raise ValueError(f"the schema has more than {_MAX_SCHEMA_CHARS} characters")
    for key, value in _members(schema):
        if key in _REFERENCES and isinstance(value, str) and not value.startswith("#"):
            raise ValueError(f"{key} {value!r} leads out of the schema; only # references work")
        if key == "patternProperties":
            raise ValueError("patternProperties is not supported; name the properties")
    _check_schema(schema)


def parse_form(text: str, form: Form) -> str:
    """Return the JSON in a text, without what stands around it.

    Raises:
        WrongForm: With the exact errors.
    """
    value = _json_in(text)
    if form["type"] == "json_object":
        errors = [] if isinstance(value, dict) else ["the answer must be one JSON object"]
    else:
        errors = _errors(value, form["json_schema"]["schema"])
    if errors:
        raise WrongForm(text, errors)
    return json.dumps(value, ensure_ascii=False)


def in_words(form: Form) -> str:
    """The form as the writer's prompt describes it."""
    if form["type"] == "json_object":
        return "any JSON object that answers the question"
    return json.dumps(form["json_schema"]["schema"], ensure_ascii=False, separators=(",", ":"))


def _json_in(text: str) -> Any:
    """The text as JSON, or the part of it between its outermost brackets."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    inner = text[min(starts) : max(text.rfind("}"), text.rfind("]")) + 1] if starts else ""
    try:
        return json.loads(inner)
    except ValueError as error:
        raise WrongForm(text, [f"the answer is not valid JSON: {error}"]) from None


def _errors(value: Any, schema: dict[str, Any]) -> list[str]:
    try:
        with _limited_time():
            found = _found(value, schema)
    except RecursionError:
        return ["the schema or the answer is nested too deeply to be checked"]
    except _TooMuchWork as error:
        return [f"the answer cannot be checked: {error}"]
    except Exception as error:  # noqa: BLE001 - whatever a hostile schema does to the library
        return [f"the answer cannot be checked: {type(error).__name__}: {error}"[:500]]
    return [f"{one.json_path}: {one.message}"[:500] for one in found]


def _check_schema(schema: dict[str, Any]) -> None:
    from jsonschema.exceptions import best_match

    try:
        with _limited_time():
            validator = _validator()
            rules = validator(validator.META_SCHEMA)
            error = best_match(islice(rules.iter_errors(schema), _MAX_ERRORS))
            if error is None:
                _follow_references(schema)
                _found(None, schema)  # finds references that go round in circles
    except _TooMuchWork as error:
        raise ValueError(f"the schema cannot be used: {error}") from None
    except Exception as error:  # noqa: BLE001 - whatever a hostile schema does to the library
        raise ValueError(f"the schema cannot be used: {type(error).__name__}: {error}") from None
    if error is not None:
        raise ValueError(f"no JSON schema: {error.json_path}: {error.message}"[:500])


def _follow_references(schema: dict[str, Any]) -> None:
    """Raise if a reference leads nowhere: only an answer with that member would find it, paid for.

    Below an `$id` references begin at that schema; they are left to the check of an answer.
    """
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    rules = DRAFT202012.create_resource(schema)
    resolver = Registry().resolver_with_root(rules)
    if any(key == "$id" and isinstance(value, str) for key, value in _members(schema)):
        return
    for key, value in _members(schema):
        if key in _REFERENCES and isinstance(value, str):
            _time_left()
            resolver.lookup(value)


def _found(value: Any, schema: dict[str, Any]) -> list[Any]:
    """The first errors of a value; raises _TooMuchWork when the time of the check is over."""
    from referencing import Registry

    errors = _validator()(schema, registry=Registry()).iter_errors(value)
    return list(islice(errors, _MAX_ERRORS))


@contextmanager
def _limited_time() -> Iterator[None]:
    end = _END_OF_CHECK.set(time.thread_time() + _CHECK_S)
    try:
        yield
    finally:
        _END_OF_CHECK.reset(end)


class _TooMuchWork(Exception):
    """References that multiply, or patterns that search for long, used up the time of a check."""

    def __init__(self) -> None:
        super().__init__("checking it takes too long; use fewer references and simpler patterns")


_END_OF_CHECK: ContextVar[float] = ContextVar("_END_OF_CHECK")


def _time_left() -> float:
    """Seconds; raises _TooMuchWork when there are none."""
    left = _END_OF_CHECK.get() - time.thread_time()
    if left <= 0:
        raise _TooMuchWork
    return left


@cache
def _validator() -> Any:
    """JSON schema 2020-12 that ends in time and whose references stay inside."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    extended: Any = extend
    made = extended(Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique_items})
    made.evolve = _evolve
    return made


def _evolve(validator: Any, **changes: Any) -> Any:
    """The validator for a part of its schema, as long as there is time.

    The library's own would take another class, without limits, where a part names its `$schema`.
    """
    import attrs

    _time_left()
    return attrs.evolve(validator, **changes)


def _unique_items(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
    """In linear time; the library compares objects each with each."""
    from jsonschema import ValidationError

    if wanted and isinstance(value, list):
        different = {json.dumps(item, sort_keys=True) for item in value}
        if len(different) < len(value):
            yield ValidationError("the items of the list are not unique")


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:
    import regex
    from jsonschema import ValidationError

    if not isinstance(value, str):
        return
    try:
        within = min(_PATTERN_S, _time_left())
        # concurrent: other threads run while it searches
        if regex.search(pattern, value, timeout=within, concurrent=True) is None:
            yield ValidationError(f"{value!r} does not match {pattern!r}")
    except TimeoutError:
        yield ValidationError(f"{pattern!r} takes too long to check")
    except regex.error:
        yield ValidationError(f"{pattern!r} is no regular expression")


def _members(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every member at any depth, without recursion: the schema is a stranger's."""
    left = [schema]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            yield from part.items()
            left += part.values()
        elif isinstance(part, list):
            left += part
