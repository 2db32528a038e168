"""How the OpenAPI document describes the `fusion` field: every setting, its bounds and its seats.

Only described: what a client sends is validated together with the preset that it names.
"""

from collections.abc import Mapping
from copy import copy
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from langgraph_fusion.graph.seat import ModelSeat, PanelSeat
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.server.runs.client_policy import OF_THE_REQUEST, OPERATORS_OWN

_SEATS: Mapping[str, Any] = {
    "panel": list[PanelSeat | str],
    "judge": ModelSeat | str,
    "synthesizer": ModelSeat | str,
}
"""A model's name does for a seat."""


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _described(name: str, field: FieldInfo) -> tuple[Any, FieldInfo]:
    """The field as a client may leave it out; the preset says what holds then."""
    told = copy(field)
    told.default = None
    told.json_schema_extra = _drop_default
    if name in OPERATORS_OWN:
        told.description = f"{field.description} The operator's, unless it trusts its clients."
    return _SEATS.get(name, field.annotation), told


FusionField: type[BaseModel] = create_model(
    "FusionField",
    __config__=ConfigDict(extra="forbid"),
    __doc__="Settings of the run, and two switches; what is left out, the preset fills in.",
    details=(bool, Field(True, description="Panel, analysis, bill and timings in the response.")),
    progress=(bool, Field(True, description="Progress in a stream, beside OpenAI's own events.")),
    **{
        name: _described(name, field)
        for name, field in FusionSettings.model_fields.items()
        if name not in OF_THE_REQUEST
    },  # type: ignore[call-overload]
)


class Described:
    """Put another model's JSON schema in place of the annotated field's own."""

    def __init__(self, by: type[BaseModel]) -> None:
        self._by = by

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(self._by.__pydantic_core_schema__)
