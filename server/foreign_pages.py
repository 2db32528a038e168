"""Keep web pages of other sites away from a server that asks for no keys.

A page could spend the operator's money by a form-like request that needs no permission (CSRF), or
read answers after the page's own name was pointed at this machine (DNS rebinding). So such a server
answers only under names that no other site can have: `localhost`, an IP address, and those the
operator names; and only to pages of this machine, of the very address that is asked, and of origins
the operator names. With keys a foreign page has none to send.

Not covered: other programs and users of this machine, who send whatever headers they like.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from langgraph_fusion.server.errors import ApiError

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{0,5})?", re.ASCII)
EVERY = "*"


class ForeignPages:
    """Tells the requests of foreign pages by their `Host` and `Origin`."""

    def __init__(self, hosts: Collection[str], origins: Collection[str]) -> None:
        """`hosts` and `origins` are those the operator has named; `*` is every one."""
        self._hosts = {host.lower().rstrip(".") for host in hosts}
        self._origins = {origin.lower().rstrip("/") for origin in origins}

    def refuse(self, headers: Headers) -> None:
        """Return, unless a page of another site may have sent the request.

        Raises:
            ApiError: 403.
        """
        named = headers.getlist("host")
        if len(named) > 1 or not all(self._is_ours(host) for host in named):
            raise ApiError(
                403,
                "this server asks for no keys and so answers only to an IP address, `localhost` "
                "and the names that `fusion serve --allowed-hosts NAMES` gives it",
                code="foreign_host",
            )
        host = named[0] if named else ""
        if not all(self._may_ask(origin, host) for origin in headers.getlist("origin")):
            raise ApiError(
                403,
                "this server asks for no keys and so serves no web pages but those of its own "
                "machine; start it with `--cors-origin URL`, or with `--keys FILE`",
                code="foreign_origin",
            )

    def _is_ours(self, host: str) -> bool:
        name = _name_of(host)
        if name is None:
            return False
        known = EVERY in self._hosts or name in self._hosts
        return known or name == "localhost" or _is_address(name)

    def _may_ask(self, origin: str, host: str) -> bool:
        if EVERY in self._origins or origin.lower() in self._origins:
            return True
        try:
            page = urlsplit(origin).hostname or ""
        except ValueError:
            return False
        if page == "localhost" or (_is_address(page) and ip_address(page).is_loopback):
            return True
        same = page == _name_of(host)
        return same and (page in self._hosts or _is_address(page))


def _name_of(host: str) -> str | None:
    """The name or address in a `Host` header; None if it is not written as one."""
    found = _HOST.fullmatch(host.strip())
    return found["name"].strip("[]").lower().rstrip(".") if found else None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
