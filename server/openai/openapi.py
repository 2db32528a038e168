"""What the OpenAPI document says of responses: errors in one shape, and streams."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class FailedModel(BaseModel):
    model: str
    error: str
    status_code: int | None = None


class Fault(BaseModel):
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

    error: Fault = Field(description="In OpenAI's shape.")


def answers(whole: str, stream: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers whole or as a stream."""
    return {
        200: {
            "description": f"{whole} With `stream: true` {stream}",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/event-stream": {"schema": {"type": "string"}},
            },
        },
        **errors(),
    }


def errors() -> dict[int | str, dict[str, Any]]:
    """The `responses` of any route."""
    return {"default": {"model": ErrorBody, "description": "An error, in OpenAI's shape."}}
