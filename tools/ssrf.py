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

from aiohttp.abc import AbstractResolver, ResolveResult

from langgraph_fusion.sandbox.network.addresses import is_public
from langgraph_fusion.sandbox.network.host_names import Address, literal_address
from langgraph_fusion.sandbox.network.lookups import Lookups
from langgraph_fusion.tools.errors import ToolFailure

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Guard:
    """Decides about addresses. `allow` names networks that may be reached although not public."""

    def __init__(self, allow: Iterable[Network] = ()) -> None:
        self._allow = tuple(allow)

    def allows(self, address: Address) -> bool:
        """Tell whether this address may be connected to."""
        return any(address in network for network in self._allow) or is_public(address)

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
        self._names = names or OwnThreadsResolver()

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


class OwnThreadsResolver(AbstractResolver):
    """Asks the system, and lets no slow name server hold up what else works in threads."""

    def __init__(self) -> None:
        self._lookups = Lookups()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of this family, by default of both.

        Raises:
            OSError: If there are none.
        """
        found = [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self._lookups.of(host, port)
        ]
        wanted = [one for one in found if family in (socket.AF_UNSPEC, one["family"])]
        if not wanted:
            raise OSError(f"no address of {host}")
        return wanted

    async def close(self) -> None:
        """Threads end by themselves."""


def _blocked() -> ToolFailure:
    return ToolFailure(
        "blocked_address", "This address is not on the public internet and cannot be read."
    )
