"""Who asks, through which door, and from how deep inside other deliberations."""

from dataclasses import dataclass

from starlette.requests import Request

from langgraph_fusion.server.keys import Key


@dataclass(frozen=True)
class Visit:
    """One request that starts a deliberation."""

    request_id: str
    door: str
    """`chat` or `responses`."""
    key: Key | None = None

    @property
    def key_name(self) -> str | None:
        return self.key.name if self.key else None


def visit_of(request: Request, door: str) -> Visit:
    """Read what the gate noted about the request."""
    return Visit(request_id=request.state.request_id, door=door, key=request.state.key)
