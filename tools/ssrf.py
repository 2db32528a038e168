"""Which addresses `web_fetch` may connect to: public ones only, checked where it connects.

Covered: private, loopback, link-local, metadata, shared (100.64/10), benchmark (198.18/15),
multicast and reserved addresses; IPv4 inside IPv6 (mapped, NAT64, 6to4, Teredo); numeric spellings
of an address; names that resolve to such an address, also when only one of several does, and also
when the answer changes between two look-ups, since the checked answer is the one connected to.
Not covered: a public host that forwards requests inwards, and proxies, which resolve names
themselves: none is used, whatever the environment says.
"""

import ipaddress
import socket
from collections.abc import Iterable

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.urls import literal_address

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address
_NOT_PUBLIC: tuple[Network, ...] = (
    ipaddress.IPv6Network("2001::/32"),  # Teredo, RFC 4380
    ipaddress.IPv6Network("2002::/16"),  # 6to4, RFC 3056
    ipaddress.IPv6Network("3fff::/20"),  # documentation, RFC 9637
    ipaddress.IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    ipaddress.IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890
)


class Guard:
    """Decides about addresses. `allow` names networks that may be reached although not public."""

    def __init__(self, allow: Iterable[Network] = ()) -> None:
        self._allow = tuple(allow)

    def allows(self, address: Address) -> bool:
        """Tell whether this address may be connected to."""
        return any(address in network for network in self._allow) or _is_public(address)

    def check_host(self, host: str) -> None:
        """Refuse a host part that spells out an address which is not public.

        Names pass: they are checked after they are resolved, by `GuardedResolver`.

        Raises:
            ToolFailure: `blocked_address`.
        """
        address = literal_address(host)
        if address is not None and not self.allows(address):
            raise _blocked()


class GuardedResolver(AbstractResolver):
    """Resolves names for the connector; refuses a name unless all its addresses are allowed."""

    def __init__(self, guard: Guard, names: AbstractResolver | None = None) -> None:
        """Take names from `names`, by default from the system."""
        self._guard = guard
        self._names = names or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses to connect to.

        Raises:
            ToolFailure: `blocked_address`.
        """
        results = await self._names.resolve(host, port, family)
        for result in results:
            address = ipaddress.ip_address(result["host"].partition("%")[0])
            if not self._guard.allows(address):
                raise _blocked()
        return results

    async def close(self) -> None:
        """Close what resolves the names."""
        await self._names.close()


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return _is_public(address.ipv4_mapped)
        if address in _NAT64:
            return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _GLOBAL_UNICAST:
            return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _blocked() -> ToolFailure:
    return ToolFailure(
        "blocked_address", "This address is not on the public internet and cannot be read."
    )
