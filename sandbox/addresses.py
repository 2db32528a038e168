"""Which addresses the allow-list proxy may connect to: public ones, looked at after the lookup."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Host and port to the address and port to connect to.
Resolver = Callable[[str, int], Awaitable[tuple[str, int]]]

LOOKUP_S = 10
# IPv6 addresses that stand for an IPv4 address somewhere else: NAT64, 6to4, Teredo.
TRANSLATED = tuple(
    ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)


class NotAllowed(Exception):
    """The proxy does not connect there; the message says why, in words for the command."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is a host on the internet: not ours, not the provider's, not a group."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in net for net in TRANSLATED):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def resolve_public(host: str, port: int) -> tuple[str, int]:
    """The address to connect to, so that no second lookup can give another.

    Raises:
        NotAllowed: If the name is unknown, or any of its addresses is not public.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
        raise NotAllowed(f"{host} cannot be resolved") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(ip_address(text)) for text in addresses):
        raise NotAllowed(f"{host} has an address that is not public")
    return addresses[0], port
