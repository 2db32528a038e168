"""Every error of the server in OpenAI's shape: `{"error": {message, type, param, code, …}}`.

| status | type | when |
|---|---|---|
| 400 | `invalid_request_error` | wrong body, setting or input; `param` names the field |
| 401 | `authentication_error` | no key, or an unknown one |
| 402 | `insufficient_quota` | a spend cap or the provider's credit is used up |
| 404, 405, 408, 413 | `invalid_request_error` | no such path or method; body too slow or large |
| 429 | `rate_limit_error` | the server is full, or the key's rate is used up; see `Retry-After` |
| 500 | `server_error` | a fault of ours |
| 502 | `upstream_error` | no member of the panel could answer |
| 503 | `service_unavailable` | a missing sandbox, rate-limited models, or the server is stopping |
| 504 | `timeout_error` | time ran out before there was an answer |

A run that failed also has `failure_reason`, in the hosted product's words, and `run_id`.
"""

import math
from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from langgraph_fusion.graph.errors import MODEL_NOT_FOUND, AllMembersFailed, ConfigError, RunFailed
from langgraph_fusion.graph.settings import FusionSettings

NOT_TEXT = "a part of type {} cannot be read; send text, images or files, the panel takes no audio"
_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    429: "rate_limit_error",
    500: "server_error",
    502: "upstream_error",
    503: "service_unavailable",
    504: "timeout_error",
}
_STATUS_OF_REASON = {
    "insufficient_credits": 402,
    "budget_exceeded": 402,
    "rate_limited": 503,
    "sandbox_unavailable": 503,
    "server_stopping": 503,
    "taken_over": 503,
    "timeout": 504,
    "deadline": 504,
}
"""Any other reason of a failed run is 502."""
_PASSING_REASONS = frozenset({"rate_limited", "server_stopping"})
"""A client may try again after these; after others it would pay for the same failure again."""
_CODES = {
    400: "invalid_json",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "request_too_large",
    503: "server_full",
}
_HEADERS = ("Allow", "Retry-After")
_WORDS = {
    "model_attributes_type": "write a JSON object",
    "model_type": "write a JSON object",
    "dict_type": "write a JSON object",
    "list_type": "write a list",
}
"""Kinds of wrong values whose description by pydantic speaks of Python."""
_UNREADABLE = "There was an error parsing the body"
"""FastAPI's words for bytes that are not UTF-8."""
_PLACES = (("body",), ("query",), ("path",))
"""Of a field; clients know it by the rest of its name."""
BRANCH = "as:"
"""Begins the names of a union's branches in our models; no client sends them or is shown them."""
_LONGEST = 4000
"""Characters of a message, which may quote what was sent."""
_INVALID_MODEL = "invalid_model"


class ApiError(Exception):
    """An answer that is an error, with everything a client needs to act on it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        **further: Any,
    ) -> None:
        super().__init__(message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…")
        self.status = status
        self.code = code
        self.param = param
        self.headers: dict[str, str] = {}
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
        self.beside: dict[str, Any] = {}
        """Members of the body next to `error`."""
        self.settings: FusionSettings | None = None
        """Settings of the run that failed; None if none was started."""
        self.further = {name: value for name, value in further.items() if value is not None}

    @property
    def body(self) -> dict[str, Any]:
        """The JSON that is sent, as a response or as the last event of a stream."""
        error = {
            "message": str(self),
            "type": _TYPES.get(self.status, "invalid_request_error"),
            "param": self.param,
            "code": self.code,
        }
        return {"error": error | self.further} | self.beside


class ServerStopping(RunFailed):
    """The server was stopped before the run had finished."""

    def __init__(self, run_id: str | None, *, kept: bool) -> None:
        named = f"run {run_id}" if run_id else "this run"
        way = f"`fusion resume {run_id}` goes on with it" if run_id and kept else "ask again"
        super().__init__(
            f"the server is stopping and {named} was not finished; {way}", "server_stopping"
        )


class TooLarge(HTTPException):
    """Raised while the body is read: FastAPI passes only this kind of exception on."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"the request body is larger than {limit} bytes")


def api_error(error: Exception, run_id: str | None = None) -> ApiError:
    """Say in OpenAI's shape what went wrong; nothing internal leaves the server."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, ConfigError):
        return _of_config(error)
    if isinstance(error, RunFailed):
        return _of_run(error, run_id)
    if isinstance(error, RequestValidationError):
        return _of_validation(error.errors())
    if isinstance(error, HTTPException):
        return _of_http(error)
    return ApiError(
        500,
        "the server failed unexpectedly; its log says how",
        code="internal_error",
        run_id=run_id,
    )


def _of_http(error: HTTPException) -> ApiError:
    """Translate an error of the framework: no such path or method, or too large a body."""
    text, allowed = str(error.detail), (error.headers or {}).get("Allow")
    if text == "Not Found":
        text = "there is no such path; GET /docs lists all of them"
    elif text == _UNREADABLE:
        text = "body: it cannot be read; send JSON in UTF-8"
    elif allowed:
        text = f"this path takes {allowed}"
    said = ApiError(error.status_code, text, code=_CODES.get(error.status_code))
    passed_on = (error.headers or {}).items()
    said.headers |= {name: value for name, value in passed_on if name in _HEADERS}
    return said


def _of_config(error: ConfigError) -> ApiError:
    status = 404 if error.code == MODEL_NOT_FOUND else 400
    reason = _INVALID_MODEL if error.field == "model" else None
    return ApiError(status, str(error), code=error.code, param=error.field, failure_reason=reason)


def _of_validation(found: Sequence[Any]) -> ApiError:
    """The first thing that is wrong with a body, without echoing what was sent."""
    first = found[0]
    place = first["loc"][1:] if first["loc"][:1] in _PLACES else first["loc"]
    where = ".".join(str(part) for part in place if not str(part).startswith(BRANCH))
    text = _WORDS.get(first["type"]) or str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "value_error" and not where:
        return ApiError(400, f"body: {text}", code="invalid_value")
    if first["type"] == "json_invalid" or not where:
        said = "send a JSON object, with `Content-Type: application/json`"
        return ApiError(400, f"body: {said}", code="invalid_json")
    return ApiError(400, f"{where}: {text}", code="invalid_value", param=where)


def _of_run(error: RunFailed, run_id: str | None) -> ApiError:
    found = _failure(error, run_id)
    if found.status >= 500 and error.reason not in _PASSING_REASONS:
        found.headers["x-should-retry"] = "false"
    return found


def _failure(error: RunFailed, run_id: str | None) -> ApiError:
    failed = [_failed(one) for one in error.failed] if isinstance(error, AllMembersFailed) else None
    return ApiError(
        _STATUS_OF_REASON.get(error.reason, 502),
        str(error),
        code=error.reason,
        failure_reason=error.reason,
        failed_models=failed,
        run_id=run_id,
    )


def _failed(one: Any) -> dict[str, Any]:
    """As in the hosted product's `failed_models`."""
    said = {"model": one.model, "error": one.detail or one.reason, "status_code": one.status_code}
    return {name: value for name, value in said.items() if value is not None}
