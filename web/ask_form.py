"""The fields of the form that asks, made of the settings' schema: labels, bounds, choices."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from langgraph_fusion.graph.request.given_files import MAX_FILES
from langgraph_fusion.graph.request.images import MAX_BYTES, MAX_IMAGES
from langgraph_fusion.graph.settings import FusionSettings

Kind = Literal["text", "number", "select", "choices"]
_SHOWN: Mapping[str, tuple[str, Kind, str]] = {
    "panel": ("Panel", "text", "vendor/model, vendor/other*2"),
    "judge": ("Judge", "text", "vendor/model, or none"),
    "synthesizer": ("Writer", "text", "vendor/model"),
    "tools": ("Tools", "choices", ""),
    "docs": ("Documents", "text", "/home/me/papers"),
    "length": ("Length", "select", ""),
    "mode": ("Mode", "select", ""),
    "max_rounds": ("Follow-up rounds", "number", ""),
    "exclude": ("Exclude", "text", "example.org, news.example"),
    "budget_usd": ("Spend cap in US dollars", "number", ""),
    "deadline_s": ("Time limit in seconds", "number", ""),
}
"""What people set: label, kind and an example."""
_TRUSTED = frozenset({"docs"})
"""Shown where the operator trusts clients with what reaches into the machine."""
_STEPS = {"budget_usd": ("0.01", "0.01"), "max_rounds": ("0", "1"), "deadline_s": ("1", "1")}
"""Least value and step of a number."""

_FOR_THE_REST = 256 << 10
"""Of the body of a request, for question and settings; base64 is four thirds of what it holds."""


@dataclass(frozen=True)
class Field:
    """One field of the form."""

    name: str
    label: str
    about: str
    kind: Kind
    placeholder: str = ""
    choices: tuple[str, ...] = ()
    least: str = "0"
    step: str = "any"


def attach_limits(max_body_bytes: int) -> dict[str, int]:
    """What the form takes of images and files; the page says so before anything is sent."""
    return {
        "images": MAX_IMAGES,
        "image_bytes": MAX_BYTES,
        "files": MAX_FILES,
        "bytes": max((max_body_bytes - _FOR_THE_REST) * 3 // 4, 0),
    }


@cache
def ask_fields(*, trusted: bool) -> tuple[Field, ...]:
    """The fields in their order."""
    known = FusionSettings.model_json_schema()["properties"]
    return tuple(one for one in _fields(known) if trusted or one.name not in _TRUSTED)


def _fields(known: Mapping[str, Any]) -> Iterator[Field]:
    for name, (label, kind, example) in _SHOWN.items():
        about = " ".join(str(known[name].get("description", "")).split()).replace("`", "")
        least, step = _STEPS.get(name, ("0", "any"))
        choices = tuple(_choices(known[name]))
        yield Field(name, label, about, kind, example, choices, least, step)


def _choices(schema: Any) -> Iterator[str]:
    """The words that a field takes, wherever in its schema they stand."""
    if isinstance(schema, Mapping):
        yield from map(str, schema.get("enum", ()))
        for part in schema.values():
            yield from _choices(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _choices(part)
