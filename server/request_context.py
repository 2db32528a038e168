"""Who sent a request, through which API, and how deeply nested in other deliberations."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from langgraph_fusion.models.depth import DEPTH
from langgraph_fusion.server.keys.key import Key

_TRACE = ("traceparent", "tracestate")


@dataclass(frozen=True)
class RequestContext:
    """One request that starts a deliberation."""

    request_id: str
    door: str
    """`chat` or `responses`."""
    key: Key | None = None
    depth: int = 0
    """How many deliberations this request is already inside of."""
    trace: Mapping[str, str] = field(default_factory=dict)
    """The client's trace, in W3C's headers."""

    @property
    def client(self) -> str | None:
        """Whose the run is; None where no key is asked for."""
        return self.key.id if self.key else None

    @property
    def key_name(self) -> str | None:
        return self.key.name if self.key else None


def request_context(request: Request, door: str) -> RequestContext:
    """Read what the middleware noted about the request."""
    return RequestContext(
        request_id=request.state.request_id,
        door=door,
        key=request.state.key,
        depth=_depth(request.headers.get(DEPTH)),
        trace={name: request.headers[name] for name in _TRACE if name in request.headers},
    )


def _depth(header: str | None) -> int:
    """The format of the header is not documented, so anything but a number counts as one level."""
    if header is None:
        return 0
    return int(header) if header.isdecimal() and len(header) < 4 else 1
