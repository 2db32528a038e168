"""Which web pages may use a server that asks for no keys: only those of this machine.

A page of another site could else spend the operator's money, by a form-like request that needs no
permission (CSRF) or after its name was pointed at this machine (DNS rebinding). Programs send no
`Origin` and are not concerned; with keys a foreign page has none to send.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.state import ServerState


async def from_own_page(request: Request) -> None:
    """Let the request pass, unless a page of another site sent it.

    Raises:
        ApiError: 403.
    """
    service: ServerState = request.app.state.service
    origin = request.headers.get("origin")
    if origin is None or service.keys is not None or _own(origin, request.url.hostname):
        return
    raise ApiError(
        403,
        "this server asks for no keys and so serves no web pages but those of its own machine; "
        "start it with `fusion serve --keys FILE`",
        code="foreign_origin",
    )


def _own(origin: str, asked: str | None) -> bool:
    """A loopback page, or one at the very address that is asked, which no name was pointed at."""
    try:
        host = urlsplit(origin).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback or host == asked
    except ValueError:  # a name
        return False
