"""Which addresses may be connected to: public ones only, checked after the name lookup."""

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from langgraph_fusion.sandbox.network.host_names import Address, InvalidHost, host_name
from langgraph_fusion.sandbox.network.lookups import Lookups

# Host and port to the address and port to connect to.
Resolver = Callable[[str, int], Awaitable[tuple[str, int]]]

LOOKUP_S = 10
GLOBAL_UNICAST = ip_network("2000::/3")
NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address
# Beside what Python's tables know, which differ from version to version.
NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # protocol assignments, RFC 6890
            "192.31.196.0/24",  # AS112, RFC 7535
            "192.52.193.0/24",  # AMT, RFC 7450
            "192.88.99.0/24",  # 6to4 relays, RFC 7526
            "192.175.48.0/24",  # AS112, RFC 7534
            "2001::/23",  # protocol assignments, Teredo and ORCHID among them, RFC 2928
            "2001:db8::/32",  # documentation, RFC 3849
            "2002::/16",  # 6to4, RFC 3056
            "2620:4f:8000::/48",  # AS112, RFC 7534
            "3fff::/20",  # documentation, RFC 9637
        ),
    )
)


class NotAllowed(Exception):
    """The proxy does not connect there; the message says why, in words for the command."""


def is_public(address: Address) -> bool:
    """Whether an address is a host on the internet: not ours, not the provider's, not a group.

    IPv4 inside IPv6 (mapped, NAT64) counts as the IPv4 address; other translations (6to4, Teredo)
    are never public, for what they lead to is decided by others.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in GLOBAL_UNICAST:
            return False
    if any(address in network for network in NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def resolve_public(host: str, port: int, lookups: Lookups | None = None) -> tuple[str, int]:
    """The address to connect to, so that no second lookup can give another.

    Args:
        host: A name or an address.
        port: Handed back.
        lookups: Whose threads to use, which bounds what a sandbox can keep busy.

    Raises:
        NotAllowed: If the name is unknown, or any of its addresses is not public.
    """
    try:
        host = host_name(host)
        async with asyncio.timeout(LOOKUP_S):
            found = await (lookups or Lookups()).of(host, port)
    except InvalidHost as error:
        raise NotAllowed(f"this is no host: {error}") from error
    except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
        raise NotAllowed(f"{host} cannot be resolved") from error
    addresses = [text.partition("%")[0] for text in found]
    if not addresses or not all(is_public(ip_address(text)) for text in addresses):
        raise NotAllowed(f"{host} has an address that is not public")
    return addresses[0], port
