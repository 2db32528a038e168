"""The responses in the OpenAPI document: errors in one shape, and streams."""

from collections.abc import Mapping
from copy import copy
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from langgraph_fusion.graph.seat import ModelSeat, PanelSeat
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.server.runs.client_policy import OF_THE_REQUEST, OPERATORS_OWN
from langgraph_fusion.server.runs.run_request import MAX_PRIORITY


class FailedModel(BaseModel):
    model: str
    error: str
    status_code: int | None = None


class ErrorDetails(BaseModel):
    """What went wrong and who can do something about it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    message: str
    """Names the field or the thing, and the way out."""
    type: Literal[
        "invalid_request_error",
        "authentication_error",
        "insufficient_quota",
        "rate_limit_error",
        "server_error",
        "upstream_error",
        "service_unavailable",
        "timeout_error",
    ]
    param: str | None
    """The field of the request that is wrong."""
    code: str | None
    failure_reason: str | None = None
    """Of a run that gave no answer, in the hosted product's words."""
    failed_models: list[FailedModel] | None = None
    run_id: str | None = None


class ErrorBody(BaseModel):
    """Every error: 400, 401, 402, 404, 405, 413, 429 (see `Retry-After`), 500, 502, 503, 504."""

    error: ErrorDetails = Field(description="In OpenAI's shape.")


def documented_responses(whole: str, stream: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers whole or as a stream."""
    return {
        200: {
            "description": f"{whole} With `stream: true` {stream}",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/event-stream": {"schema": {"type": "string"}},
            },
        },
        **documented_errors(),
    }


def documented_errors() -> dict[int | str, dict[str, Any]]:
    """The `responses` of any route."""
    return {"default": {"model": ErrorBody, "description": "An error, in OpenAI's shape."}}


_SEATS: Mapping[str, Any] = {
    "panel": list[PanelSeat | str],
    "judge": ModelSeat | str | None,
    "synthesizer": ModelSeat | str,
}
"""A model's name does for a seat."""


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _described(name: str, field: FieldInfo) -> tuple[Any, FieldInfo]:
    """The field as a client may leave it out; the preset supplies its value then."""
    described = copy(field)
    described.default = None
    described.json_schema_extra = _drop_default
    if name in OPERATORS_OWN:
        described.description = f"{field.description} The operator's, unless it trusts its clients."
    return _SEATS.get(name, field.annotation), described


FusionField: type[BaseModel] = create_model(
    "FusionField",
    __config__=ConfigDict(extra="forbid"),
    __doc__="Settings of the run, and two switches; what is left out, the preset fills in.",
    details=(bool, Field(True, description="Panel, analysis, bill and timings in the response.")),
    progress=(bool, Field(True, description="Progress in a stream, beside OpenAI's own events.")),
    priority=(
        int,
        Field(
            0,
            ge=0,
            le=MAX_PRIORITY,
            description="Of what waits, the highest is next; a key has a limit.",
        ),
    ),
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
