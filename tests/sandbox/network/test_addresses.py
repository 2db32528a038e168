"""One list of the addresses that are hosts on the internet, for the proxy and for fetching."""

from ipaddress import ip_address

import pytest

from langgraph_fusion.sandbox.network.addresses import is_public
from langgraph_fusion.tools.ssrf import Guard

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]
NOT_PUBLIC = [
    *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1"),
    *("0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1"),
    *("192.0.0.8", "192.0.0.100", "192.88.99.1", "192.0.2.1", "203.0.113.1", "192.175.48.1"),
    *("192.31.196.1", "192.52.193.1", "::", "::1", "fe80::1", "fec0::1", "fd00::1", "ff02::1"),
    *("::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
    *("64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::", "2001:20::1", "2001:db8::1", "3fff::1"),
    *("4000::1", "5f00::1", "100::1", "2620:4f:8000::1"),
]


@pytest.mark.parametrize("address", [*PUBLIC, *NOT_PUBLIC])
def test_the_proxy_and_the_fetcher_agree_on_what_is_public(address: str) -> None:
    public = address in PUBLIC
    assert is_public(ip_address(address)) is public
    assert Guard().allows(ip_address(address)) is public
