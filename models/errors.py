"""What can go wrong with a model.

ModelConfigError (ValueError)   the caller: nothing was started
├── BadModelRef                 not a `provider:name`
├── MissingKey                  an environment variable is not set
└── MissingPackage              a provider's LangChain package is not installed
StatusError (RuntimeError)      the server refused with an HTTP status
UpstreamError (RuntimeError)    the provider failed after its HTTP status was already 200
BadResponse (RuntimeError)      the server answered something that is no completion
"""

import json
from collections.abc import Mapping
from typing import Any


class ModelConfigError(ValueError):
    """A model cannot be used as configured. The message names the way out."""


class BadModelRef(ModelConfigError):
    """The text names no model."""


class MissingKey(ModelConfigError):
    """A model needs an environment variable that is not set."""

    def __init__(self, ref: object, variable: str) -> None:
        super().__init__(
            f"`{ref}` needs `{variable}`: set it, or use `--preset offline`, which needs no key."
        )
        self.variable = variable


class MissingPackage(ModelConfigError):
    """A model needs a Python package that is not installed."""

    def __init__(self, ref: object, package: str) -> None:
        super().__init__(f"`{ref}` needs the package `{package}`: `pip install {package}`.")
        self.package = package


class StatusError(RuntimeError):
    """The server answered with an HTTP status that is no success."""

    def __init__(self, status_code: int, said: str, headers: Mapping[str, str]) -> None:
        super().__init__(f"HTTP {status_code}: {said[:2000]}")
        self.status_code = status_code
        self.body = _json_object(said)
        """What the server said, if that was a JSON object."""
        self.headers = headers
        """Of the response."""


class UpstreamError(RuntimeError):
    """The provider failed although the HTTP status says 200."""

    def __init__(self, message: str, *, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        """The status that the error body carries, if any."""

    @classmethod
    def from_body(cls, error: object) -> "UpstreamError":
        """Build from the `error` member of a response body, whatever its type."""
        if not isinstance(error, dict):
            return cls(str(error or "the provider stopped with an error"))
        code = str(error.get("code"))
        status = int(code) if code.isdigit() else None
        raw = (error.get("metadata") or {}).get("raw")
        said = str(error.get("message") or "the provider stopped with an error")
        return cls(f"{said}: {raw}" if raw else said, status_code=status)


class BadResponse(RuntimeError):
    """The server answered with something that is not a chat completion."""


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
