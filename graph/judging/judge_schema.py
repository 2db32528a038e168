"""The JSON schema that a judge's reply has to fit: of `Analysis`, with this run's own names in it.

Seats and source ids are enums, so that a server which constrains what its model writes (llama.cpp,
vLLM, Ollama, strict modes) can only name what was shown.
"""

from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from langgraph_fusion.graph.analysis import Analysis

Schema = dict[str, Any]

MOST_NAMES = 200
"""Source ids that an enum may have; OpenAI's strict mode takes 1,000 values in a schema."""
_BRIEF: dict[str, tuple[str, ...]] = {
    "Analysis": ("consensus", "contradictions", "blind_spots", "best_answer"),
    "Consensus": ("claim", "seats"),
    "Contradiction": ("topic", "stances"),
    "Stance": ("seat", "stance"),
    "BlindSpot": ("gap",),
}
"""What is asked of a model that could not fill in the whole."""
_BRIEF_ITEMS = 4
"""Entries of a list in a brief analysis: a small model may go on for ever."""


@dataclass(frozen=True)
class Known:
    """What the judge was shown, and may name."""

    seats: frozenset[str]
    sources: frozenset[str]


def analysis_schema(known: Known | None = None, *, brief: bool = False) -> Schema:
    """The schema as providers' strict modes want it: all required, closed, without what code fills
    in. `brief` asks for the main points only; with `known` only those names fit.
    """
    schema = _brief_schema() if brief else _schema()
    return _with_names(deepcopy(schema), known) if known else schema


def response_format(known: Known, *, brief: bool = False) -> Schema:
    """The request field that asks a provider for this schema."""
    schema = {"name": "analysis", "strict": True, "schema": analysis_schema(known, brief=brief)}
    return {"type": "json_schema", "json_schema": schema}


@cache
def _schema() -> Schema:
    schema = Analysis.model_json_schema()
    for part in _objects(schema):
        part.pop("title", None)
        part["additionalProperties"] = False
        part["properties"] = {
            name: field for name, field in part["properties"].items() if not field.get("readOnly")
        }
        part["required"] = list(part["properties"])
        for field in part["properties"].values():
            field.pop("title", None)
            field.pop("default", None)
            field.pop("minItems", None)
    return schema


@cache
def _brief_schema() -> Schema:
    schema = deepcopy(_schema())
    schema["$defs"] = {name: part for name, part in schema["$defs"].items() if name in _BRIEF}
    _keep(schema, _BRIEF["Analysis"])
    for name, part in schema["$defs"].items():
        _keep(part, _BRIEF[name])
    for part in _objects(schema):
        for field in part["properties"].values():
            if field.get("type") == "array":
                field["maxItems"] = _BRIEF_ITEMS
    return schema


def _keep(part: Schema, names: Collection[str]) -> None:
    part["properties"] = {name: part["properties"][name] for name in names}
    part["required"] = list(names)


def _with_names(schema: Schema, known: Known) -> Schema:
    """Have seats and sources refer to one enum each; without any source no field asks for one."""
    names: dict[str, Schema] = {"SeatLetter": _enum(known.seats)}
    if known.sources:
        names["SourceId"] = _enum(known.sources)
    for part in _objects(schema):
        if not known.sources and part["properties"].pop("sources", None):
            part["required"] = list(part["properties"])
        for name, field in part["properties"].items():
            _refer(name, field)
    schema.setdefault("$defs", {}).update(names)
    return schema


def _refer(name: str, field: Schema) -> None:
    """Put the enum in the place of `{"type": "string"}`, in whatever form the field has it."""
    kind = {"seat": "SeatLetter", "best_answer": "SeatLetter", "seats": "SeatLetter"}
    named = {**kind, "sources": "SourceId"}.get(name)
    if named is None:
        return
    for place in (field, field.get("items"), *field.get("anyOf", ())):
        if isinstance(place, dict) and place.get("type") == "string":
            place.pop("type")
            place["$ref"] = f"#/$defs/{named}"


def _enum(names: Collection[str]) -> Schema:
    if not 0 < len(names) <= MOST_NAMES:
        return {"type": "string"}
    return {"type": "string", "enum": sorted(names)}


def _objects(schema: Schema) -> Iterator[Schema]:
    """The schema itself and the parts it is made of."""
    for part in (schema, *schema.get("$defs", {}).values()):
        if "properties" in part:
            yield part
