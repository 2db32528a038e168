import ipaddress
import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.ssrf import Guard, GuardedResolver
from tests.tools.site import html, site

PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "198.18.0.1", "192.0.0.1", "192.0.2.1", "192.88.99.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fe80::1", "fec0::1", "fd00::1", "ff0e::1", "2001:db8::1",
    "3fff::1", "::ffff:127.0.0.1", "::127.0.0.1", "::8.8.8.8", "2002:7f00:1::", "2002:808:808::",
    "2001:0:4136:e378::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert Guard().allows(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_other_addresses_are_not(address: str) -> None:
    assert not Guard().allows(ipaddress.ip_address(address))


def test_a_network_can_be_allowed_and_nothing_beside_it() -> None:
    guard = Guard([ipaddress.ip_network("10.1.0.0/16")])
    assert guard.allows(ipaddress.ip_address("10.1.2.3"))
    assert not guard.allows(ipaddress.ip_address("10.2.0.1"))


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "0", "::1", "::ffff:7f00:1"])
def test_an_address_as_host_is_refused_in_any_spelling(host: str) -> None:
    with pytest.raises(ToolFailure) as refused:
        Guard().check_host(host)
    assert refused.value.reason == "blocked_address"


class Names(AbstractResolver):
    """A name server that answers with these addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked += 1
        return [
            ResolveResult(hostname=host, host=a, port=port, family=family, proto=0, flags=0)
            for a in self.addresses
        ]

    async def close(self) -> None: ...


async def test_a_name_is_refused_if_one_of_its_addresses_is_private() -> None:
    resolver = GuardedResolver(Guard(), Names("8.8.8.8", "10.0.0.1"))
    with pytest.raises(ToolFailure) as refused:
        await resolver.resolve("both.example")
    assert "10.0.0.1" not in str(refused.value)


async def test_a_scoped_address_is_judged_without_its_scope() -> None:
    with pytest.raises(ToolFailure):
        await GuardedResolver(Guard(), Names("fe80::1%eth0")).resolve("local.example")


async def test_a_public_name_resolves_to_the_addresses_that_were_checked() -> None:
    resolver = GuardedResolver(Guard(), Names("8.8.8.8", "1.1.1.1"))
    assert [each["host"] for each in await resolver.resolve("x.example")] == ["8.8.8.8", "1.1.1.1"]
    await resolver.close()


async def test_the_connection_goes_to_the_address_that_was_checked_under_the_sites_own_name() -> (
    None
):
    names = Names("127.0.0.1")
    resolver = GuardedResolver(Guard([ipaddress.ip_network("127.0.0.1/32")]), names)
    async with (
        site({"/": html("page")}) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver)) as session,
        session.get(server.base.replace("127.0.0.1", "site.example")) as response,
    ):
        assert response.status == 200
    assert names.asked == 1
    assert server.seen[0].host.partition(":")[0] == "site.example"
