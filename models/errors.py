"""What can go wrong with a model.

ModelConfigError (ValueError)   the caller: nothing was started
├── BadModelRef                 not a `provider:name`
├── MissingKey                  an environment variable is not set
└── MissingPackage              a provider's LangChain package is not installed
UpstreamError (RuntimeError)    the provider failed after its HTTP status was already 200
BadResponse (RuntimeError)      the server answered something that is no completion
"""

from langgraph_fusion.models.error_bodies import status_of, words_of


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


class UpstreamError(RuntimeError):
    """The provider failed although the HTTP status says 200."""

    def __init__(
        self, message: str, *, status_code: int | None = None, body: object = None
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        """The status that the error body carries, if any."""
        self.body = body

    @classmethod
    def from_body(cls, error: object) -> "UpstreamError":
        """Build from the `error` member of a response body, whatever its type."""
        said = words_of(error) or "the provider stopped with an error"
        return cls(said, status_code=status_of(error), body=error)


class BadResponse(RuntimeError):
    """The server answered with something that is not a chat completion."""
