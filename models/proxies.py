"""The proxy that the environment names for an address.

Read are `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case. The last is a list
with commas of hosts with all below them (`example.com`), of what is below them alone
(`.example.com`, `*.example.com`), of addresses and networks (`10.0.0.0/8`), each with or without a
port; `*` is everything. On macOS and Windows the system's own settings count as well.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from urllib.request import getproxies

from yarl import URL


def proxy_for(url: URL) -> URL | None:
    """Return the proxy through which an address is reached; None if it is reached directly."""
    known = getproxies()
    named = known.get(url.scheme) or known.get("all")
    if not named or any(_covers(one, url) for one in known.get("no", "").split(",")):
        return None
    return URL(named if "://" in named else f"http://{named}")


def _covers(entry: str, url: URL) -> bool:
    """Whether an entry of NO_PROXY means this address."""
    scheme, marked, rest = entry.strip().lower().rpartition("://")
    if marked and scheme not in ("all", url.scheme):
        return False
    host = (url.host or "").lower()
    if (network := _is_in_network(rest, host)) is not None:
        return network
    name, port = _without_port(rest)
    if not name or port not in (None, url.port):
        return False
    if name in ("*", host):
        return True
    below = name.removeprefix("*").removeprefix(".")
    return host.endswith(f".{below}") and not _is_address(host)


def _is_in_network(entry: str, host: str) -> bool | None:
    """Whether the host is an address of the network; None if the entry is no network."""
    try:
        network = ip_network(entry.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return None
    return _is_address(host) and ip_address(host) in network


def _without_port(entry: str) -> tuple[str, int | None]:
    name, colon, port = entry.rpartition(":")
    if not colon or not port.isdecimal():
        return entry.strip("[]"), None
    return name.strip("[]"), int(port)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
